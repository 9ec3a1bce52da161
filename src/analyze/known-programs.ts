const programFolder = /^\/(?:usr\/(?:local\/)?)?s?bin\/([^/]+)$/;

const shells: ReadonlySet<string> = new Set(
  "sh bash rbash dash ash zsh fish ksh ksh93 mksh lksh csh tcsh rc busybox toybox nu pwsh".split(" "),
);

const packageManagers: ReadonlySet<string> = new Set(
  "apt apt-get aptitude dpkg apk rpm yum dnf dnf5 microdnf tdnf zypper pacman opkg xbps-install emerge nix brew snap".split(
    " ",
  ),
);

/** Whether the path is that of a command shell, on the path of programs. */
export function isShell(path: string): boolean {
  return shells.has(programFolder.exec(path)?.[1] ?? "");
}

/** Whether the path is that of a system package manager, on the path of programs. */
export function isPackageManager(path: string): boolean {
  return packageManagers.has(programFolder.exec(path)?.[1] ?? "");
}
