// What lighter aims at in a workload, and what came of it. A target names one of
//   atMost: RATIO            of the fastest peer, or of each that `peer` names: an engine (`docker-28`) or a program (`docker`)
//   moreAtMost: SECONDS      more than that peer
//   secondsAtMost: SECONDS
//   megabytesAtMost: MB      of memory
// and is about memory instead of time when `memory` says so.
const own = "lighter";
/** Not a rival, but what nobody can be faster than. */
const floor = "bare";

/** @returns for each target and peer what is, what is to be, and whether it is so: undefined where something is not measured */
export function judge(rows, targets = [], { memory = false } = {}) {
  const value = memory ? memoryOf : ({ median }) => median;
  const measured = rows.filter((row) => row.failed === undefined && value(row) !== undefined);
  const ours = measured.find(({ engine }) => engine === own);
  return targets
    .filter((target) => (target.memory ?? false) === memory)
    .flatMap((target) => {
      const given = judgeAbsolute(target, ours && value(ours));
      if (given !== undefined) return [given];
      const rivals = rivalsOf(target, measured, rows, value);
      return rivals.map((rival) => judgeBeside(target, ours && value(ours), rival));
    });
}

/** lighter's share of the fastest peer's. */
export function ratioToBest(rows) {
  const ours = rows.find(({ engine }) => engine === own)?.median;
  const best = Math.min(...rows.filter(isRival).map(({ median }) => median));
  return ours === undefined || !Number.isFinite(best) ? "" : (ours / best).toFixed(2);
}

/** In KiB, a daemon's with it. */
export function memoryOf({ peakMemoryKiB, daemonPeakMemoryKiB = 0 }) {
  return peakMemoryKiB === undefined ? undefined : peakMemoryKiB + daemonPeakMemoryKiB;
}

function isRival({ engine, median }) {
  return engine !== own && engine !== floor && median !== undefined;
}

function judgeAbsolute({ secondsAtMost, megabytesAtMost }, ours) {
  if (secondsAtMost !== undefined)
    return verdict(ours, secondsAtMost, { is: (is) => `${is.toFixed(3)} s`, aim: `${secondsAtMost} s` });
  if (megabytesAtMost === undefined) return undefined;
  const megabytes = ours === undefined ? undefined : (ours * 1024) / 1e6;
  return verdict(megabytes, megabytesAtMost, {
    is: (is) => `${is.toFixed(0)} MB`,
    aim: `${megabytesAtMost} MB`,
  });
}

function rivalsOf({ peer }, measured, rows, value) {
  if (peer === undefined) {
    const best = Math.min(...measured.filter(isRival).map(value));
    return [measured.find((row) => isRival(row) && value(row) === best) ?? { engine: "the best peer" }];
  }
  const named = [...new Set(rows.map(({ engine }) => engine))].filter(
    (engine) => engine === peer || engine.split("-")[0] === peer,
  );
  if (named.length === 0) return [{ engine: peer }];
  return named.map((engine) => measured.find((row) => row.engine === engine) ?? { engine });
}

function judgeBeside({ atMost, moreAtMost, memory }, ours, rival) {
  const theirs = memory ? memoryOf(rival) : rival.median;
  const place = rival.engine;
  if (moreAtMost === undefined)
    return verdict(ours === undefined || theirs === undefined ? undefined : ours / theirs, atMost, {
      is: (is) => `${is.toFixed(2)} of ${place}`,
      aim: `${atMost} of ${place}`,
    });
  const more = ours === undefined || theirs === undefined ? undefined : ours - theirs;
  return verdict(more, moreAtMost, {
    is: (is) => `${is.toFixed(3)} s more than ${place}`,
    aim: `${moreAtMost} s more than ${place}`,
  });
}

function verdict(value, limit, { is, aim }) {
  if (value === undefined) return { is: "not measured", aim, isMet: undefined };
  return { is: is(value), aim, isMet: value <= limit };
}
