import type { Flow } from "./flow.ts";
import type { ListeningPorts } from "./listening-ports.ts";
import type { PolicyRule } from "./policy.ts";

export interface Violation {
  readonly line: number;
  readonly text: string;
  readonly because: string;
}

/** What a line of the policy does not allow, or wants and does not get. */
export function checkRule(
  rule: PolicyRule,
  flows: readonly Flow[],
  ports: ReadonlyMap<string, ListeningPorts>,
): readonly Violation[] {
  const { target, line } = rule;
  if (!ports.has(target))
    return [{ line, text: `there is no running container "${target}"`, because: "the policy names it" }];
  const into = flows.filter(({ to }) => to === target);
  const listening = ports.get(target) ?? { tcp: [], udp: [] };
  const open = into
    .filter(({ observed, expected }) => observed ?? expected)
    .flatMap((flow) => {
      const found = flow.port === undefined ? listening[flow.protocol] : [flow.port];
      // Where no program listens, the way itself is against the policy; once is enough.
      const isOpenWay = found.length === 0 && flow.protocol === "tcp";
      return (isOpenWay ? [undefined] : found).map((port) => ({ flow, port }));
    })
    .filter(({ flow, port }) => !isAllowed(rule, flow.from, port))
    .map(
      ({ flow, port }): Violation => ({
        line,
        text: `${flow.from} reaches ${target}${port === undefined ? "" : `:${port}`}/${flow.protocol}${flow.version === 6 ? " over IPv6" : ""}${flow.hostPort === undefined ? "" : ` by port ${flow.hostPort} of the host`}`,
        because: flow.because,
      }),
    );
  const missing = rule.sources
    .filter(
      ({ name, port }) =>
        !into.some(
          (flow) =>
            flow.from === name &&
            flow.protocol === "tcp" &&
            (flow.observed ?? flow.expected) &&
            (port === undefined || flow.port === undefined || flow.port === port),
        ),
    )
    .map(
      ({ name, port }): Violation => ({
        line,
        text: `${name} does not reach ${target}${port === undefined ? "" : `:${port}`}`,
        because: into.find((flow) => flow.from === name)?.because ?? "nobody of that name runs",
      }),
    );
  return uniqueViolations([...open, ...missing]);
}

function isAllowed({ sources }: PolicyRule, from: string, port: number | undefined): boolean {
  return sources.some(
    (source) => source.name === from && (source.port === undefined || source.port === port),
  );
}

function uniqueViolations(list: readonly Violation[]): readonly Violation[] {
  return [...new Map(list.map((one) => [one.text, one])).values()];
}
