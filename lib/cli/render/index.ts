import { isCi, styleOf, type Io } from '../io';
import type { Settings } from '../settings';
import { JsonRenderer } from './json';
import { PlainRenderer } from './plain';
import type { Renderer } from './renderer';
import { TtyRenderer } from './tty';

export * from './error';
export * from './renderer';

/** The renderer settings ask for; by default live lines where somebody watches, else a log. */
export function createRenderer(io: Io, settings: Settings): Renderer {
  const style = styleOf(io.stderr, io.env, settings.color);
  const watched = io.stderr.isTTY === true && io.env['TERM'] !== 'dumb';
  if (settings.progress === 'json') return new JsonRenderer(io.stderr);
  if (settings.progress === 'quiet' || settings.quiet) return new PlainRenderer(io.stderr, style, 'quiet');
  const automatic = watched && !isCi(io.env) && !settings.verbose;
  if (settings.progress === 'bar' ? watched : settings.progress === 'auto' && automatic)
    return new TtyRenderer(io.stderr, style);
  return new PlainRenderer(io.stderr, style, settings.verbose ? 'verbose' : 'normal');
}
