export type { FakeAuth } from './access-control';
export { faultTimes, type FakeBehavior, type Fault, type LoggedRequest } from './behavior';
export { FakeRegistry, type FakeOptions } from './fake-registry';
export type { FakeRepository, StoredManifest } from './storage';
