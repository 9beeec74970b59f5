export { chooseDriver, type SandboxChoice } from './driver-choice';
export type { Driver } from './drivers';
export type { SandboxMount } from './mounts';
export { Namespace, type ToolOptions } from './namespace';
export type { RunOptions, SandboxSecret } from './run-options';
export { runScript, type ScriptExit } from './run-script';
export { quote } from './shell-text';
export { materialize, readUpper, removeTree, socketsIn, type MaterializeOptions } from './trees';
