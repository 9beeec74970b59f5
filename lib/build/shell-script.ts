import { quote } from './sandbox';

/**
 * A script that becomes a command on the terminal.
 * @param command program and arguments; none: a shell to type into
 */
export function shellScript(command: readonly string[], workingDirectory = '/'): string {
  const program = command.length === 0 ? '/bin/sh -i' : command.map(quote).join(' ');
  return `#!/bin/sh\ncd -- ${quote(workingDirectory === '' ? '/' : workingDirectory)} || exit\nexec ${program}\n`;
}
