/**
 * An archive was laid out before the layers below it were there, and they are not as was assumed. Nobody's fault: with the
 * layers given it is laid out again.
 */
export class LayoutDiffers extends Error {}
