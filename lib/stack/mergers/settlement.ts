import type { MergedFile, MergeOutcome, MergeProblem } from './merger';

/** An outcome in the making. */
export class Settlement implements MergeOutcome {
  readonly files = new Map<string, MergedFile>();
  readonly problems: MergeProblem[] = [];

  write(path: string, content: Buffer): void {
    this.files.set(path, { type: 'file', content });
  }

  link(path: string, target: string): void {
    this.files.set(path, { type: 'symlink', target });
  }

  remove(path: string): void {
    this.files.set(path, { type: 'removed' });
  }

  notMergeable(path: string, message: string, components: readonly string[], fix: string): void {
    this.problems.push({ code: 'NOT_MERGEABLE', path, message, components, fix });
  }

  conflict(path: string, message: string, components: readonly string[], fix: string): void {
    this.problems.push({ code: 'MERGE_CONFLICT', path, message, components, fix });
  }
}

/** Names for a sentence: `a, b and c`. */
export function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
