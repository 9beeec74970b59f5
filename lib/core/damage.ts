import { StackError } from './errors';

/** Says which file of the local store is not what it was. */
class DamagedFile extends Error {
  public constructor(
    public readonly file: string,
    cause: unknown,
  ) {
    super(`'${file}' is damaged`, { cause });
  }
}

/** The error for a file of the local store that cannot be read, or is not what it was. Without that file its content is made again. */
export function damagedFile(file: string, cause?: unknown): StackError {
  return new StackError('STACK7004', `'${file}' of the local store is damaged`, {
    hint: 'remove it and deploy again: it is made anew',
    cause: new DamagedFile(file, cause),
  });
}

/** The damaged files that an error is about; none when also something else failed. */
export function damagedFilesOf(error: unknown): readonly string[] {
  if (!StackError.is(error)) return [];
  const files = error.all().map(damagedFileOf);
  return files.includes(undefined) ? [] : [...new Set(files.flatMap((file) => file ?? []))];
}

/** Errors may have been wrapped on their way. */
function damagedFileOf(error: Error): string | undefined {
  if (error instanceof DamagedFile) return error.file;
  return error.cause instanceof Error ? damagedFileOf(error.cause) : undefined;
}
