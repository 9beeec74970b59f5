import type { StackError } from '../../../lib/core';
import { overlayOptions } from '../../../lib/build/sandbox/overlay';

describe('the options of an overlay', () => {
  test('name the layers from the top down, with the mount points of every sandbox below them', () => {
    expect(overlayOptions(3, false).plain).toMatch(/^lowerdir=2:1:0:b,upperdir=u,workdir=w,/);
  });

  test('can have mount points on top', () => {
    expect(overlayOptions(1, false).withPoints).toMatch(/^lowerdir=p:0:b,/);
  });

  test('need no base', () => {
    expect(overlayOptions(0, false).plain).toMatch(/^lowerdir=b,upperdir=u,/);
  });

  test('say userxattr in a user namespace only', () => {
    expect(overlayOptions(1, true).plain.split(',')).toContain('userxattr');
    expect(overlayOptions(1, false).plain.split(',')).not.toContain('userxattr');
  });

  test('do not leave to the kernel’s defaults what makes an upper directory incomplete', () => {
    expect(overlayOptions(1, false).plain.split(',')).toEqual(
      expect.arrayContaining(['redirect_dir=nofollow', 'metacopy=off', 'index=off']),
    );
  });

  test('fit a page with as many layers as Linux stacks', () => {
    expect(overlayOptions(498, true).withPoints.length).toBeLessThan(4096);
  });

  test('refuse more', () => {
    expect(() => overlayOptions(499, false)).toThrow(
      expect.objectContaining({
        code: 'STACK4010',
        message: expect.stringContaining('at most 498') as string,
      }) as StackError,
    );
  });
});
