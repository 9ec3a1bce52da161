import { findInstructionName, type InstructionName } from "./instructions/names.ts";

const forms: Readonly<Record<InstructionName, string>> = {
  ADD: "ADD source... destination",
  ARG: "ARG name, or ARG name=default",
  CMD: 'CMD ["executable", "argument"], or CMD command',
  COPY: "COPY source... destination",
  ENTRYPOINT: 'ENTRYPOINT ["executable", "argument"], or ENTRYPOINT command',
  ENV: "ENV name=value",
  EXPOSE: "EXPOSE port, or EXPOSE port/udp",
  FROM: "FROM repository:tag, or FROM repository:tag AS name",
  HEALTHCHECK: "HEALTHCHECK CMD command, or HEALTHCHECK NONE",
  LABEL: "LABEL name=value",
  MAINTAINER: 'LABEL org.opencontainers.image.authors="name"',
  ONBUILD: "ONBUILD RUN command, or another instruction but FROM, MAINTAINER and ONBUILD",
  RUN: 'RUN command, or RUN ["executable", "argument"]',
  SHELL: 'SHELL ["executable", "argument"]',
  STOPSIGNAL: "STOPSIGNAL SIGTERM",
  USER: "USER user, or USER user:group",
  VOLUME: "VOLUME /path",
  WORKDIR: "WORKDIR /path",
};

/** What an instruction looks like when it is sound: the hint where nothing says more. `text` begins with its keyword. */
export function usageHint(text: string): string {
  const name = findInstructionName(/^\s*([A-Za-z]+)/.exec(text.slice(0, 200))?.[1] ?? "");
  return name === undefined
    ? "begin every line with an instruction, as FROM repository:tag"
    : `write ${forms[name]}`;
}
