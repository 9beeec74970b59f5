/** Bytes by unit; both spellings of the thousand are in use. */
const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** Seconds by unit. */
const DURATIONS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Bytes of a size such as `20GB` or `1.5 GiB`, whole; undefined when it is none. A number alone could mean anything, so it is none. */
export function sizeOf(text: string): number | undefined {
  return quantityOf(text, SIZES);
}

/** Seconds of a duration such as `14d`, whole; undefined when it is none. */
export function durationOf(text: string): number | undefined {
  return quantityOf(text, DURATIONS);
}

function quantityOf(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, number = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?) ?([A-Za-z]+)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (factor === undefined) return undefined;
  const value = Math.floor(Number(number) * factor);
  return Number.isSafeInteger(value) ? value : undefined;
}
