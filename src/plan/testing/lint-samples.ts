/** Dockerfiles as people write them, each with what lighter's own rules are about. */
export const lintSamples: Readonly<Record<string, string>> = Object.freeze({
  go: `# syntax=docker/dockerfile:1
FROM golang:1.22-alpine
WORKDIR /src
COPY . .
RUN go mod download
ENV APP_MODE=production
EXPOSE 8080
RUN go build -ldflags="-s -w" -o bin/server ./cmd/server
CMD ["./bin/server", "--listen", ":8080"]
`,
  "go, shell form": `FROM golang:1.22
WORKDIR /app
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /usr/local/bin/tool . \\
 && go vet ./...
ENTRYPOINT /usr/local/bin/tool serve
`,
  node: `FROM node:20
WORKDIR /app
COPY . .
RUN npm ci
ENV PORT=3000
EXPOSE 3000
CMD ["node", "server.js"]
`,
  "node that builds": `FROM node:20-slim
WORKDIR /app
COPY . /app
ENV CI=1
RUN npm ci && npm run build
EXPOSE 3000
CMD ["npm", "start"]
`,
  python: `FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 \\
    curl
RUN pip install --upgrade pip && pip install -r requirements.txt
EXPOSE 8000
# the server
CMD ["gunicorn", "app:app", "--bind", "0.0.0.0:8000"]
`,
  java: `FROM maven:3.9-eclipse-temurin-21
WORKDIR /build
COPY pom.xml .
COPY src ./src
RUN mvn -B -DskipTests package
EXPOSE 8080
ENTRYPOINT ["java", "-jar", "target/app.jar"]
`,
  c: `FROM debian:12
RUN apt-get update && apt-get install -y build-essential
COPY . /usr/src/tool
WORKDIR /usr/src/tool
RUN gcc -O2 -static -o tool main.c util.c
CMD ["./tool"]
`,
  "gcc image": `FROM gcc:13
COPY hello.c /src/
RUN gcc -static -o /hello /src/hello.c
CMD ["/hello"]
`,
  "two stages": `FROM golang:1.22 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /out/server .

FROM debian:bookworm-slim
COPY --from=build /out/server /usr/bin/server
EXPOSE 8080
ENTRYPOINT ["/usr/bin/server"]
`,
  secrets: `FROM node:20 AS build
ARG NPM_TOKEN
ENV NPM_TOKEN=$NPM_TOKEN
WORKDIR /app
COPY id_rsa /root/.ssh/id_rsa
RUN chmod 600 /root/.ssh/id_rsa && git clone git@example.org:team/lib.git vendor && rm /root/.ssh/id_rsa
COPY package.json package-lock.json .npmrc ./
RUN echo "//registry.npmjs.org/:_authToken=$NPM_TOKEN" >> ~/.npmrc
RUN npm ci && rm -f .npmrc
COPY . .
CMD ["node", "index.js"]
`,
  "secret file": `FROM node:20-slim
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && rm -f .npmrc && npm cache clean --force
COPY src src
USER node
CMD ["node", "src/index.js"]
`,
  "secret ARG": `FROM python:3.12
ARG VERSION=1 PIP_TOKEN
RUN pip install --index-url https://user:$PIP_TOKEN@pypi.example.org/simple app==$VERSION
CMD ["app"]
`,
  nginx: `FROM nginx:1.27
RUN apt-get update && apt-get install -y curl
COPY nginx.conf /etc/nginx/conf.d/default.conf
COPY dist /usr/share/nginx/html
EXPOSE 80
CMD ["nginx", "-g", "daemon off;"]
`,
  "packages in heredocs": `FROM fedora:41
RUN <<EOF
dnf install -y python3-pip
pip3 install flask
EOF
RUN microdnf install -y tar; \\
    echo done;
RUN apk add curl && apk add --update git # tools
USER root
CMD ["python3"]
`,
});
