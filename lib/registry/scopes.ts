/** What a request does to a repository, as token services want to know it (distribution, auth/scope). */
export type Action = 'pull' | 'push' | 'delete';

/** `repository:NAME:ACTIONS`. */
export function scopeOf(name: string, ...actions: readonly Action[]): string {
  return `repository:${name}:${actions.join(',')}`;
}

/** Whether a token for some scopes may do what others ask for. */
export function covers(granted: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((scope) => {
    const { resource, actions } = split(scope);
    return granted.some((other) => {
      const candidate = split(other);
      return candidate.resource === resource && actions.every((action) => candidate.actions.includes(action));
    });
  });
}

function split(scope: string): { readonly resource: string; readonly actions: readonly string[] } {
  const colon = scope.lastIndexOf(':');
  return { resource: scope.slice(0, colon), actions: scope.slice(colon + 1).split(',') };
}
