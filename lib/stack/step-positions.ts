import { canonicalJson, StackError } from '../core';
import { withoutEmptyLayer } from './steps';
import { identityOf, type ImageStep } from './variant';

/** Where the steps of components are among those of their combination, which has equal ones once. */
export class StepPositions {
  /** By the layer below them and what they say. */
  private readonly known = new Map<string, number[]>();

  /** @param steps of a combination */
  public constructor(steps: readonly ImageStep[]) {
    for (const [at, { key }] of keyed(steps).entries()) {
      const positions = this.known.get(key);
      if (positions === undefined) this.known.set(key, [at]);
      else positions.push(at);
    }
  }

  /** Positions of an image's steps, from its first one on. */
  public of(steps: readonly ImageStep[]): number[] {
    return keyed(steps).map(({ key, occurrence }) => {
      const positions = this.known.get(key) ?? [];
      const position = positions[Math.min(occurrence, positions.length - 1)];
      if (position === undefined)
        throw new StackError('STACK9001', `a combination lacks a step of its component: ${key}`);
      return position;
    });
  }
}

interface KeyedStep {
  readonly key: string;
  /** How often the step came before, since the layer below. */
  readonly occurrence: number;
}

function keyed(steps: readonly ImageStep[]): readonly KeyedStep[] {
  let layer = '';
  let counts = new Map<string, number>();
  return steps.map(withoutEmptyLayer).map((step): KeyedStep => {
    if (step.layer !== undefined) {
      layer = identityOf(step.layer);
      counts = new Map();
      return { key: layer, occurrence: 0 };
    }
    const key = `${layer} ${canonicalJson(step.history)}`;
    const occurrence = counts.get(key) ?? 0;
    counts.set(key, occurrence + 1);
    return { key, occurrence };
  });
}
