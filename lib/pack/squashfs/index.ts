export { SquashfsSink, type SquashfsOptions } from './sink';
