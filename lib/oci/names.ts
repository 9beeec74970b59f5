const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Longest repository name most clients accept (distribution-spec, *Pulling manifests*). */
export const MAX_NAME_LENGTH = 255;

/** True for a repository name a registry accepts (distribution-spec, *Pulling manifests*). */
export function isImageName(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && NAME.test(text);
}

/** True for a tag a registry accepts (distribution-spec, *Pulling manifests*). */
export function isTag(text: string): boolean {
  return TAG.test(text);
}
