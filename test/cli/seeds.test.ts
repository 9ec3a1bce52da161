// The command lines of docker's tutorials as they are written, with lighter for `docker`: networks and their isolation, images
// of several stages, distroless ones, volumes. The images that the lines name are small ones of the same role.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { Lab } from "../network/lab.ts";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();

/** A line of a shell, and what it prints. */
type Line = readonly [line: string, says?: RegExp, status?: number];

const id = /^[0-9a-f]{64}\n$/;

const images: readonly Line[] = [
  ["docker build -t calculator:traditional -f Dockerfile.traditional . 2>&1", /calculator:traditional/],
  ["docker build -t calculator -f Dockerfile . 2>&1"],
  ["docker images | grep calculator | sort", /^calculator +latest .*\ncalculator +traditional /],
  ["docker image ls --format '{{.Repository}}:{{.Tag}}' calculator:latest", /^calculator:latest\n$/],
  ["docker run --rm calculator", /^42\n$/],
  ["docker run --rm calculator:traditional", /^42\n$/],
  ["docker history --format '{{.CreatedBy}}' calculator | head -1", /CMD/],
  ["docker run --rm --entrypoint sh calculator -c ls", /executable file not found in \$PATH/, 127],
  ["docker build --target build -t calculator:build -q .", /^sha256:[0-9a-f]{64}\n$/],
  ["docker rmi calculator:build", /^Untagged: calculator:build\n/],
];

const networks: readonly Line[] = [
  ["docker network ls", /^NETWORK ID +NAME +DRIVER +SCOPE\n[0-9a-f]{12} +bridge +bridge +local\n/],
  ["docker run -d --name login nginx:latest", id],
  ["docker run -d --name logout nginx:latest", id],
  [
    "docker ps --format '{{.Names}} {{.Image}} {{.Ports}}'",
    /^logout nginx:latest 80\/tcp\nlogin nginx:latest 80\/tcp\n$/,
  ],
  [`docker inspect login | grep -m1 '"IPAddress"'`, /"IPAddress": "172\.\d+\.\d+\.\d+"/],
  [
    "docker exec login ping -c 1 $(docker inspect -f '{{.NetworkSettings.IPAddress}}' logout)",
    /1 packets received/,
  ],
  ["docker network create secure-network", id],
  ["docker network create secure-network 2>&1", /network with name secure-network already exists/, 1],
  ["docker run -d --name finance --network=secure-network nginx:latest", id],
  [
    "docker inspect --format='{{.NetworkSettings.Networks.secure-network.IPAddress}}' finance",
    /^\d+\.\d+\.\d+\.\d+\n$/,
  ],
  [
    `docker inspect --format='{{(index .NetworkSettings.Networks "secure-network").IPAddress}}' finance`,
    /^\d+\.\d+\.\d+\.\d+\n$/,
  ],
  [
    "docker exec login ping -c 1 -W 1 $(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' finance)",
    /0 packets received/,
    1,
  ],
  ["docker run -d --name payments --net=secure-network nginx", id],
  ["docker exec finance ping -c 1 payments", /1 packets received/],
  ["docker run -d --name host-demo --network=host nginx:latest /bin/sleep 1000", id],
  ["docker inspect -f '{{.HostConfig.NetworkMode}}' host-demo", /^host\n$/],
  ["docker run --rm --network none nginx ip -o link", /^1: lo\b[^\n]*\n$/],
  ["docker run -d --name web -p 8080:80 nginx", id],
  ["docker port web", /^80\/tcp -> 0\.0\.0\.0:8080\n/],
  // What has just been started may still be about to listen.
  [
    "for i in $(seq 600); do busybox wget -qO- http://localhost:8080/ 2>&1 && exit; sleep 0.1; done",
    /welcome\n$/,
  ],
  ["docker network inspect secure-network --format '{{len .Containers}} {{.Driver}}'", /^2 bridge\n$/],
  ["docker network connect secure-network web && docker exec finance wget -qO- http://web/", /^welcome\n$/],
  ["docker exec web grep -c $(docker inspect -f '{{.Config.Hostname}}' web) /etc/hosts", /^2\n$/],
  ["docker network disconnect secure-network web"],
  ["docker exec web grep -c $(docker inspect -f '{{.Config.Hostname}}' web) /etc/hosts", /^1\n$/],
  ["docker network rm secure-network 2>&1", /has active endpoints/, 1],
  ["docker stop -t 0 login logout && docker rm login logout", /^login\nlogout\nlogin\nlogout\n$/],
  ["docker rm -f finance payments host-demo web"],
  ["docker network rm secure-network", /^secure-network\n$/],
];

const volumes: readonly Line[] = [
  ["docker volume create app", /^app\n$/],
  ["docker volume ls", /^DRIVER +VOLUME NAME\nlocal +app\n$/],
  ["docker run -d --name keeps --mount source=app,target=/app nginx:latest", id],
  ["docker exec keeps sh -c 'echo kept > /app/file'"],
  [
    "docker inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}}{{end}}' keeps",
    /^volume app \/app\n$/,
  ],
  ["docker volume rm app 2>&1", /keeps/, 1],
  ["docker logs keeps && docker top keeps | wc -l", /^2\n$/],
  ["docker stop -t 0 keeps && docker rm keeps", /^keeps\nkeeps\n$/],
  [
    'docker run --rm -v app:/app -v "$PWD":/here:ro nginx:latest sh -c "cat /app/file; ls /here/Dockerfile"',
    /^kept\n\/here/,
  ],
  ["docker volume inspect app --format '{{.Driver}} {{.Name}}'", /^local app\n$/],
  ["docker volume rm app", /^app\n$/],
  ["docker system df", /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages /],
];

function prepare(clone: Clone): NodeJS.ProcessEnv {
  const { folder } = clone;
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "docker"), `#!/bin/sh\nexec ${resolve("bin/lighter")} "$@"\n`, { mode: 0o755 });
  copyFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", join(folder, "busybox"));
  const tools =
    'COPY busybox /bin/busybox\nRUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin"]\n';
  const site = "RUN mkdir /site && echo welcome > /site/index.html\nEXPOSE 80\n";
  const serve = 'CMD ["/bin/httpd", "-f", "-p", "80", "-h", "/site"]\n';
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  write("Dockerfile.nginx", `FROM scratch\n${tools}${site}${serve}`);
  write("Dockerfile.golang", `FROM scratch\n${tools}`);
  const compile = "RUN echo building && cp busybox /src/expr";
  const calculate = 'CMD ["6", "*", "7"]\n';
  write(
    "Dockerfile.traditional",
    `FROM golang:1.19\nWORKDIR /src\nCOPY busybox .\n${compile}\nENTRYPOINT ["/src/expr"]\n${calculate}`,
  );
  write(
    "Dockerfile",
    [
      "FROM golang:1.19 AS build\nWORKDIR /src\nCOPY busybox .",
      compile,
      "FROM scratch\nCOPY --from=build /src/expr /expr",
      `ENTRYPOINT ["/expr"]\n${calculate}`,
    ].join("\n"),
  );
  for (const [name, tag] of [
    ["nginx", "nginx:latest"],
    ["golang", "golang:1.19"],
  ] as const) {
    const { status, stderr } = clone.run(["build", "-q", "-t", tag, "-f", `Dockerfile.${name}`, "."]);
    assert.equal(status, 0, stderr);
  }
  return { ...process.env, LIGHTER_ROOT: clone.root, PATH: `${bin}:${process.env["PATH"]}` };
}

test("the lines of the tutorials", { skip }, async () => {
  await using lab = new Lab();
  void lab;
  using clone = openClone();
  const env = prepare(clone);
  const run = (line: string) => spawnSync("sh", ["-c", line], { cwd: clone.folder, env, encoding: "utf8" });
  try {
    for (const [line, says, wanted = 0] of [...images, ...networks, ...volumes]) {
      const { status, stdout, stderr } = run(line);
      assert.equal(status, wanted, `${line}: ${stdout}${stderr}`);
      if (says !== undefined) assert.match(wanted === 0 ? stdout : stdout + stderr, says, line);
    }
  } finally {
    run("docker rm -f $(docker ps -aq)");
  }
  assert.deepEqual(leftovers(clone.root), []);
});
