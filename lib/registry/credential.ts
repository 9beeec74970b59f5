import type { Repository } from '../oci';

/** What a registry or its token service is shown. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A refresh token, which the token service changes into short-lived ones. */
  | { readonly kind: 'identity'; readonly token: string }
  /** A token that is sent to the registry as it is. */
  | { readonly kind: 'bearer'; readonly token: string };

/** Finds the credential for a repository; undefined: none, ask as anybody. */
export type CredentialSource = (repository: Repository) => Promise<Credential | undefined>;
