/** Where a script finds imports that are not part of the layer. */
export const SCRIPT_IMPORTS = '/stack/imports';

/** Whether an import is only for the script of its layer. */
export function isScriptImport({ dest }: { readonly dest: string }): boolean {
  return dest === SCRIPT_IMPORTS || dest.startsWith(`${SCRIPT_IMPORTS}/`);
}
