/* eslint-disable @typescript-eslint/unbound-method -- getters are only looked for in stack traces, never called */
import type { Node } from 'constructs';
import { StackError } from '../core';
import { isObject, show } from './private/checks';
import { captureStack, userLine } from './private/source-line';

/**
 * Typed access to the values that an app is given with `-c`, `STACK_CONTEXT`, `cdk-stack.json` or `new App({ context })`. `null`
 * counts as absent, so `-c key=null` takes a value of the file back.
 *
 * @example
 * const debug = app.context.boolean('debug', false);
 */
export class Context {
  /**
   * @param node the one that has the values
   * @param origins where each key was set
   */
  public constructor(
    private readonly node: Node,
    private readonly origins: ReadonlyMap<string, string>,
  ) {}

  /** Reports whether there is a value. */
  public has(key: string): boolean {
    return this.value(key) !== undefined;
  }

  /**
   * A value that is true or false.
   * @throws STACK2017 when it is something else, or absent without a fallback
   */
  public boolean(key: string, fallback?: boolean): boolean {
    const isGood = (value: unknown): value is boolean => typeof value === 'boolean';
    return this.read(key, { fallback, wanted: 'true or false', example: 'true', isGood, getter: this.boolean });
  }

  /**
   * A value that is a number.
   * @throws STACK2017 when it is something else, or absent without a fallback
   */
  public number(key: string, fallback?: number): number {
    const isGood = (value: unknown): value is number => typeof value === 'number';
    return this.read(key, { fallback, wanted: 'a number', example: '3', isGood, getter: this.number });
  }

  /**
   * A value that is text.
   * @throws STACK2017 when it is something else, or absent without a fallback
   */
  public string(key: string, fallback?: string): string {
    const isGood = (value: unknown): value is string => typeof value === 'string';
    return this.read(key, { fallback, wanted: 'text', example: 'TEXT', isGood, getter: this.string });
  }

  /**
   * A value that is a JSON array.
   * @throws STACK2017 when it is something else, or absent without a fallback
   */
  public list(key: string, fallback?: readonly unknown[]): readonly unknown[] {
    const isGood = (value: unknown): value is readonly unknown[] => Array.isArray(value);
    return this.read(key, { fallback, wanted: 'a JSON array', example: '["a","b"]', isGood, getter: this.list });
  }

  /**
   * A value that is a JSON object.
   * @throws STACK2017 when it is something else, or absent without a fallback
   */
  public object(key: string, fallback?: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    return this.read(key, {
      fallback,
      wanted: 'a JSON object',
      example: '{"a":1}',
      isGood: isObject,
      getter: this.object,
    });
  }

  private value(key: string): unknown {
    return (this.node.tryGetContext(key) as unknown) ?? undefined;
  }

  private read<T>(key: string, { fallback, wanted, example, isGood, getter }: Reading<T>): T {
    const value = this.value(key) ?? fallback;
    if (isGood(value)) return value;
    const source = userLine(captureStack(getter), process.cwd());
    const pass = `-c '${key}=${example}'`;
    if (value === undefined) {
      throw new StackError('STACK2017', `the context has no value "${key}"`, {
        source,
        hint: `pass it, such as ${pass}`,
      });
    }
    const origin = this.has(key) ? (this.origins.get(key) ?? 'node.setContext()') : 'the fallback';
    throw new StackError(
      'STACK2017',
      `the value "${key}" of the context is ${show(value)}, from ${origin}; it must be ${wanted}`,
      {
        source,
        hint:
          typeof value !== 'string' && wanted === 'text'
            ? `pass it as text: --context-string '${key}=TEXT'`
            : `pass it as ${pass}`,
      },
    );
  }
}

interface Reading<T> {
  readonly fallback: T | undefined;
  readonly wanted: string;
  readonly example: string;
  readonly isGood: (value: unknown) => value is T;
  /** Function that the user has called. */
  readonly getter: CallableFunction;
}
