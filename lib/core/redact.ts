/** Hides the `user:password@` of every URL in a text, so that it can be shown. */
export function redactCredentials(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/'"<>]*@/gi, '$1***@');
}
