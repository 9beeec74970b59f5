export { Combination, type IndexedLayer, type LayeredComponent, type Place } from './combination';
export { baseWithin, ownSteps, sharedBase } from './base';
export { commute, type Commute } from './commute';
export { recordOf, type CombinationRecord, type ImageRecord } from './component-record';
export { mergeConfigs, NOTHING_SETTLED, type Settled } from './config';
export { sharedConfiguration, type Configuration } from './configuration';
export { errorOf, warningsOf } from './conflict-messages';
export type * from './conflict-report';
export { CONFLICT_RULES, matcherOf } from './conflict-rules';
export { findConflicts, type Findings } from './conflicts';
export * from './declared-config';
export { envOf } from './env';
export { isEqual as isSameState } from './entry-conflict';
export {
  explainPath,
  explainPaths,
  type Explanation,
  type ProvidedPath,
  type ProvidedPaths,
  type Provider,
} from './explain';
export { explainConfig, type ConfigField } from './explain-config';
export type { Claim, Owner, Restoration } from './findings';
export { joinReports } from './join-reports';
export { viewOfLayers } from './layer-paths';
export * from './limits';
export * from './mergers';
export { mergeMetadata } from './metadata';
export { orderLayers } from './order';
export { componentsIn, parseRecord } from './recorded';
export * from './stack';
export { flattenComponents, isKnownEmpty, withoutEmptyLayer } from './steps';
export * from './swap';
export * from './variant';
