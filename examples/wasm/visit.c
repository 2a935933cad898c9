/*
 * A program of the Common Gateway Interface (RFC 3875): the request is in environment variables and on
 * standard input, the answer's headers come before its body.
 *
 * clang --target=wasm32-wasi -O2 -o visit.wasm visit.c
 *
 * serverledge create visit --runtime wasm --src visit.wasm --http cgi
 * curl -i 'http://127.0.0.1:1323/fn/visit/some/page?lang=en'
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

int main(void) {
  if (strcmp(variable("PATH_INFO"), "/gone") == 0) {
    printf("Status: 410 Gone\nContent-Type: text/plain\n\nThis page is gone.\n");
    return 0;
  }
  char body[1024];
  size_t length = fread(body, 1, sizeof body, stdin);
  printf("Content-Type: text/plain; charset=UTF-8\n");
  printf("Set-Cookie: visited=1\nSet-Cookie: from=%s\n\n", variable("SERVER_NAME"));
  printf("%s %s\n", variable("REQUEST_METHOD"), variable("PATH_INFO"));
  printf("query: %s\n", variable("QUERY_STRING"));
  printf("agent: %s\n", variable("HTTP_USER_AGENT"));
  printf("body: %zu bytes of %s\n", length, variable("CONTENT_TYPE"));
  return 0;
}
