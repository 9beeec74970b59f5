export { readSquashfs } from './read';
export { SquashfsSink, type SquashfsOptions } from './sink';
