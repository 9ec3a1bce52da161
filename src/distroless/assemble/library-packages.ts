/** `libssl.so.3` is in libssl3 or libssl3t64, `libnss-3.so` in libnss3. @see https://www.debian.org/doc/debian-policy/ch-sharedlibs.html */
export function packageNamesOf(soname: string): readonly string[] {
  const known: Readonly<Record<string, readonly string[]>> = {
    "libz.so.1": ["zlib1g"],
    "libcrypto.so.3": ["libssl3t64", "libssl3"],
    "libc.so.6": ["libc6"],
    "libm.so.6": ["libc6"],
    "libdl.so.2": ["libc6"],
    "libpthread.so.0": ["libc6"],
    "librt.so.1": ["libc6"],
    "libresolv.so.2": ["libc6"],
    "libutil.so.1": ["libc6"],
    "libmvec.so.1": ["libc6"],
    "ld-linux-x86-64.so.2": ["libc6"],
    "ld-linux-aarch64.so.1": ["libc6"],
    "libgcc_s.so.1": ["libgcc-s1"],
    "libharfbuzz.so.0": ["libharfbuzz0b"],
    "libjpeg.so.62": ["libjpeg62-turbo"],
  };
  const [, stem = "", version = ""] =
    /^(.*?)\.so(?:\.(.*))?$/.exec(soname.toLowerCase().replaceAll("_", "-")) ?? [];
  const joined =
    /\d$/.test(stem) && version !== "" ? `${stem}-${version}` : stem.replace(/-(\d)/, "$1") + version;
  return known[soname] ?? (stem === "" ? [] : [joined, `${joined}t64`, `${stem}-${version}`]);
}
