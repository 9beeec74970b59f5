import { StackError } from '../../lib/core';
import { selectImages } from '../../lib/toolkit/select';
import type { ImagePlan, Plan } from '../../lib/plan/schema';

function layer(name: string, from?: string, fileOf?: string): ImagePlan {
  return {
    type: 'layer',
    name,
    buildOnly: false,
    from: from === undefined ? { type: 'scratch' } : { type: 'image', image: from },
    imports: fileOf === undefined ? [] : [{ source: { type: 'image-file', image: fileOf, path: '/x' }, dest: '/x' }],
  };
}

const plan: Plan = {
  schemaVersion: 1,
  directory: '..',
  formats: ['tar'],
  images: {
    combined: { type: 'stacked-image', name: 'all', buildOnly: false, components: ['ovmf', 'boot/kernel'] },
    kernel: layer('plain-kernel'),
    'boot/kernel': layer('boot-kernel', undefined, 'boot/kernel-packages'),
    'boot/kernel-packages': {
      type: 'debian-packages',
      name: 'boot-kernel-packages',
      buildOnly: true,
      packages: ['linux'],
      dependencies: 'none',
    },
    'boot/extra/firmware': layer('firmware', 'zz-base'),
    ovmf: layer('ovmf'),
    'zz-base': layer('zz-base'),
  },
};

function failureOf(patterns: readonly string[]): StackError {
  try {
    selectImages(plan, patterns);
  } catch (error) {
    if (StackError.is(error)) return error;
  }
  throw new Error('nothing was thrown');
}

describe('selectImages', () => {
  test('takes every image in build order when no pattern is given', () => {
    expect(selectImages(plan, [])).toEqual({
      images: ['zz-base', 'boot/extra/firmware', 'boot/kernel-packages', 'boot/kernel', 'ovmf', 'combined', 'kernel'],
      dependencies: [],
    });
  });

  test.each([
    ['a path', 'boot/kernel', ['boot/kernel']],
    ['a path before an equal id', 'kernel', ['kernel']],
    ['a name', 'all', ['combined']],
    ['an id', 'kernel-packages', ['boot/kernel-packages']],
    ['a glob within a segment', 'boot/*', ['boot/kernel-packages', 'boot/kernel']],
    ['a glob across segments', 'boot/**', ['boot/extra/firmware', 'boot/kernel-packages', 'boot/kernel']],
    ['a glob of the first level', '*', ['zz-base', 'ovmf', 'combined', 'kernel']],
    ['braces', '{ovmf,kernel}', ['ovmf', 'kernel']],
  ])('finds images by %s', (_what, pattern, expected) => {
    expect(selectImages(plan, [pattern]).images).toEqual(expected);
  });

  test('joins patterns and keeps the build order, whatever order they have', () => {
    expect(selectImages(plan, ['kernel', 'ovmf', 'o*']).images).toEqual(['ovmf', 'kernel']);
  });

  test('leaves out what an exclamation mark names, from all images when that is all there is', () => {
    expect(selectImages(plan, ['boot/**', '!kernel-packages']).images).toEqual(['boot/extra/firmware', 'boot/kernel']);
    expect(selectImages(plan, ['!**/*', '*', '!boot/**', 'kernel', '!ovmf', 'zz-base'].slice(2)).images).toEqual([
      'zz-base',
      'kernel',
    ]);
    expect(selectImages(plan, ['!boot/**']).images).toEqual(['zz-base', 'ovmf', 'combined', 'kernel']);
  });

  test('tells which images are there only because others need them', () => {
    expect(selectImages(plan, ['combined', 'ovmf'])).toEqual({
      images: ['ovmf', 'combined'],
      dependencies: [
        { path: 'boot/kernel-packages', neededBy: ['boot/kernel'] },
        { path: 'boot/kernel', neededBy: ['combined'] },
      ],
    });
  });

  test('wants every pattern to match, and suggests what was meant', () => {
    const error = failureOf(['ovmf', 'combind', 'firmwares']);
    expect(error).toMatchObject({
      code: 'STACK1004',
      exitStatus: 6,
      message: "no image matches 'combind' or 'firmwares'",
      hint: 'did you mean combined or firmware?',
    });
  });

  test('wants patterns that leave out to match, too', () => {
    expect(failureOf(['!nothing-like-it'])).toMatchObject({ message: "no image matches 'nothing-like-it'" });
  });

  test('explains that a star stays within a segment', () => {
    expect(failureOf(['boot*'])).toMatchObject({
      code: 'STACK1004',
      hint: expect.stringContaining('** crosses') as string,
    });
  });

  test('never selects nothing silently', () => {
    expect(failureOf(['ovmf', '!ovmf'])).toMatchObject({
      code: 'STACK1004',
      message: 'nothing is left of the selection ovmf !ovmf',
    });
  });
});
