// Starts a command: from the snapshot that was made for this Node, this build and this kind of command, else as ever.
#ifndef LIGHTER_LAUNCHER_H
#define LIGHTER_LAUNCHER_H

#include <stddef.h>

enum { kMostKind = 4096 };

/** Writes the command's name and flags, sorted, as src/cli/start/kind.ts does; an empty string when they are too long. */
void describeKind(char *const words[], char kind[kMostKind]);

#endif
