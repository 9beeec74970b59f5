import type { Readable } from 'node:stream';
import { StackError, type Exit } from '../../core';
import { runTool, streamTool } from './tools';

/** Most bytes of a control file; real ones have a few kilobytes. */
const MAX_CONTROL = 1024 * 1024;

/**
 * Streams the content of a .deb file as an uncompressed tar. Nothing is unpacked and nothing of it is run.
 *
 * @param file the .deb file
 * @param name what to call the package in messages, such as `the package ovmf 2022.11-6`
 * @throws (as the stream's error) StackError STACK4001 when the file is no package, corrupt or truncated; STACK3013 when dpkg-deb
 * is not installed
 */
export function openDataTar(file: string, name: string, signal?: AbortSignal): Readable {
  return streamTool('dpkg-deb', ['--fsys-tarfile', file], { signal, failure: (exit) => unreadable(name, exit) });
}

/**
 * The control stanza of a .deb file, byte for byte as its maintainer's tools wrote it, ending in a line end.
 * @param name as for {@link openDataTar}
 * @throws StackError STACK4001 when the file is no package, corrupt or truncated; STACK3013 when dpkg-deb is not installed
 */
export async function controlStanza(file: string, name: string, signal?: AbortSignal): Promise<string> {
  const result = await runTool('dpkg-deb', ['--info', file, 'control'], { signal, maxOutput: MAX_CONTROL });
  if (result.status !== 0) throw unreadable(name, result);
  return `${result.stdout.trimEnd()}\n`;
}

function unreadable(name: string, { status, stderr }: Exit): StackError {
  const cause = stderr.trim().split('\n').slice(-3).join('; ') || `dpkg-deb ended with status ${String(status)}`;
  return new StackError('STACK4001', `${name} cannot be read: ${cause}`, {
    hint: 'it has the bytes its source vouches for, so the package itself is broken or needs a newer dpkg',
  });
}
