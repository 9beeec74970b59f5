import { SHA256_PATTERN } from '../../plan';
import { wrong, type Check } from './checks';

/** A sha256 as a user writes it; in the plan it is lowercase. */
export const sha256Hex: Check<string> = (report, what, value) => {
  const lower = typeof value === 'string' ? value.toLowerCase() : '';
  if (SHA256_PATTERN.test(lower)) return lower;
  return wrong(
    report,
    what,
    value,
    '64 hex characters',
    lower.startsWith('sha256:') ? 'leave out the "sha256:"' : undefined,
  );
};
