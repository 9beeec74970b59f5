import { Construct, type IConstruct } from 'constructs';
import { StackError } from '../../core';
import { show } from './checks';
import { declarationOf } from './declaration';
import { userLine, type CapturedStack } from './source-line';

/**
 * Checks the id of a new image before constructs does, whose own errors name no path and blame `toString` on a construct that
 * does not exist.
 * @throws STACK2012 when the id is no text, empty, taken, or the name of a member all objects have, and when the scope is no
 *   construct; STACK2014 when the app has been synthesized
 */
export function checkId(scope: IConstruct, id: string, stack: CapturedStack): string {
  if (!Construct.isConstruct(scope)) {
    throw new StackError('STACK2012', `the scope of the image ${show(id)} is ${show(scope)}; it must be a construct`, {
      source: userLine(stack, process.cwd()),
      hint: 'pass the App, or the construct that it belongs to',
    });
  }
  const where = scope.node.path === '' ? 'the app' : `"${scope.node.path}"`;
  const fail = (code: 'STACK2012' | 'STACK2014', message: string, hint: string): never => {
    throw new StackError(code, message, {
      constructPath: [scope.node.path, typeof id === 'string' ? id : ''].filter((part) => part !== '').join('/'),
      source: userLine(stack, process.cwd()),
      hint,
    });
  };
  if (typeof id !== 'string' && id !== undefined && id !== null) {
    return fail(
      'STACK2012',
      `the id of an image in ${where} is ${show(id)}; it must be a string`,
      'write it in quotes',
    );
  }
  if (typeof id !== 'string' || id === '') {
    return fail('STACK2012', `an image in ${where} has no id`, 'give it an id that no other construct there has');
  }
  if (id in Object.prototype) {
    return fail(
      'STACK2012',
      `the id "${id}" cannot be used: every object has a member of that name`,
      'choose another id',
    );
  }
  if (scope.node.locked) {
    return fail(
      'STACK2014',
      `image "${id}" was created after the app had been synthesized`,
      'create it before app.synth()',
    );
  }
  const sibling = scope.node.tryFindChild(id);
  if (sibling === undefined) return id;
  const first = declarationOf(sibling)?.stack;
  const created = first === undefined ? '' : `, created at ${userLine(first, process.cwd()) ?? 'an unknown line'}`;
  return fail('STACK2012', `there already is a construct "${id}" in ${where}${created}`, 'choose another id');
}
