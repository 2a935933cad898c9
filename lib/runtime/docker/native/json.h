/*
 * JSON without a C library: finding members, checking texts, taking strings apart, and sending frames.
 * Texts are given by their begin and end; where one is not as it must be, functions return a null pointer.
 */
#pragma once

enum { max_depth = 1 << 16, chunk = 1 << 16 };

/* A piece of text; from is null where there is none. */
struct piece {
  const char *from, *to;
};

static const char *spaces(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
  return at;
}

static int hex(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  digit |= 0x20;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The code unit of \uXXXX, whose digits begin at `at`; -1 if they are none. */
static int code_unit(const char *at, const char *end) {
  int unit = 0;
  if (end - at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    int digit = hex(at[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

static int one_of(char byte, const char *set) {
  for (; *set; set++) if (*set == byte) return 1;
  return 0;
}

/* Passes over a string. */
static const char *string_end(const char *at, const char *end) {
  if (at == end || *at != '"') return 0;
  for (at++; at < end; at++) {
    if (*at == '"') return at + 1;
    if ((unsigned char)*at < 0x20) return 0;
    if (*at != '\\') continue;
    if (++at == end || !one_of(*at, "\"\\/bfnrtu")) return 0;
    if (*at == 'u' && code_unit(at + 1, end) < 0) return 0;
  }
  return 0;
}

static const char *digits(const char *at, const char *end) {
  const char *from = at;
  while (at < end && *at >= '0' && *at <= '9') at++;
  return at == from ? 0 : at;
}

static const char *number_end(const char *at, const char *end) {
  if (at < end && *at == '-') at++;
  if (at < end && *at == '0') at++;
  else if (!(at = digits(at, end))) return 0;
  if (at < end && *at == '.' && !(at = digits(at + 1, end))) return 0;
  if (at == end || (*at | 0x20) != 'e') return at;
  at++;
  if (at < end && (*at == '+' || *at == '-')) at++;
  return digits(at, end);
}

static const char *word_end(const char *at, const char *end, const char *text) {
  for (; *text; text++, at++) if (at == end || *at != *text) return 0;
  return at;
}

static const char *scalar_end(const char *at, const char *end) {
  switch (*at) {
    case '"': return string_end(at, end);
    case 't': return word_end(at, end, "true");
    case 'f': return word_end(at, end, "false");
    case 'n': return word_end(at, end, "null");
    default: return number_end(at, end);
  }
}

/* Passes over the name of a member and the colon behind it. */
static const char *key_end(const char *at, const char *end) {
  at = string_end(spaces(at, end), end);
  if (!at) return 0;
  at = spaces(at, end);
  return at < end && *at == ':' ? at + 1 : 0;
}

/* Passes over a value of any kind. */
static const char *value_end(const char *at, const char *end) {
  static char closers[max_depth];
  size depth = 0;
  for (;;) {
    at = spaces(at, end);
    if (at == end) return 0;
    char is_object = *at == '{', is_open = is_object || *at == '[';
    if (is_open) {
      if (depth == max_depth) return 0;
      closers[depth++] = is_object ? '}' : ']';
      at = spaces(at + 1, end);
      if (at == end) return 0;
      if (*at != closers[depth - 1]) {
        if (is_object && !(at = key_end(at, end))) return 0;
        continue;
      }
    } else if (!(at = scalar_end(at, end))) {
      return 0;
    }
    /* Behind a value, or at the end of an empty one. */
    for (;;) {
      if (!depth) return at;
      at = spaces(at, end);
      if (at == end) return 0;
      if (*at == ',') break;
      if (*at++ != closers[--depth]) return 0;
    }
    at++;
    if (closers[depth - 1] == '}' && !(at = key_end(at, end))) return 0;
  }
}

/* Takes the next member of an object, or the first where `at` is at its brace; at its end null. */
static const char *next_member(const char *at, const char *end, struct piece *name, struct piece *value) {
  at = spaces(at, end);
  if (at == end || (*at != '{' && *at != ',')) return 0;
  name->from = spaces(at + 1, end);
  if (!(name->to = string_end(name->from, end))) return 0;
  if (!(at = key_end(name->from, end))) return 0;
  value->from = spaces(at, end);
  return value->to = value_end(at, end);
}

/* The value of a member of an object. */
static struct piece member(struct piece object, const char *wanted) {
  struct piece name, value;
  const char *at = object.from;
  while (at && (at = next_member(at, object.to, &name, &value))) {
    const char *end = word_end(name.from + 1, name.to, wanted);
    if (end && end == name.to - 1) return value;
  }
  return (struct piece){0, 0};
}

static char *put_code_point(char *to, unsigned code, int as_bytes) {
  if (code < 0x80 || (as_bytes && code < 0x100)) {
    *to++ = code;
  } else if (code < 0x800) {
    *to++ = 0xc0 | code >> 6;
    *to++ = 0x80 | (code & 0x3f);
  } else if (code < 0x10000) {
    *to++ = 0xe0 | code >> 12;
    *to++ = 0x80 | (code >> 6 & 0x3f);
    *to++ = 0x80 | (code & 0x3f);
  } else {
    *to++ = 0xf0 | code >> 18;
    *to++ = 0x80 | (code >> 12 & 0x3f);
    *to++ = 0x80 | (code >> 6 & 0x3f);
    *to++ = 0x80 | (code & 0x3f);
  }
  return to;
}

/*
 * Writes what a checked string means, which takes no more bytes than the string. With `as_bytes`
 * characters up to U+00FF are one byte each, as headers are that came as such. Returns the end.
 */
static char *unquote(struct piece string, char *to, int as_bytes) {
  static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
  const char *end = string.to - 1;
  for (const char *at = string.from + 1; at < end;) {
    unsigned char byte = *at++;
    if (as_bytes && (byte & 0xfc) == 0xc0 && at < end) {
      *to++ = byte << 6 | (*at++ & 0x3f);
    } else if (byte != '\\') {
      *to++ = byte;
    } else if (*at == 'u') {
      unsigned code = code_unit(at + 1, end);
      at += 5;
      int low = (code & 0xfc00) == 0xd800 && end - at >= 6 && at[0] == '\\' && at[1] == 'u'
                    ? code_unit(at + 2, end) : -1;
      if ((low & ~0x3ff) == 0xdc00) {
        code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
        at += 6;
      } else if ((code & 0xf800) == 0xd800) {
        code = 0xfffd;
      }
      to = put_code_point(to, code, as_bytes);
    } else {
      char letter = *at++;
      for (int i = 0; letters[i]; i++) if (letters[i] == letter) letter = meanings[i];
      *to++ = letter;
    }
  }
  return to;
}

/* How many bytes at the end of a text belong to a character that is not complete. */
static size incomplete_end(const char *text, size count) {
  for (size back = 1; back <= 3 && back <= count; back++) {
    unsigned char byte = text[count - back];
    if ((byte & 0xc0) == 0x80) continue;
    size whole = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return whole > back ? back : 0;
  }
  return 0;
}

static int is_utf8(const unsigned char *at, const unsigned char *end) {
  while (at < end) {
    unsigned char byte = *at++;
    if (byte < 0x80) continue;
    int more = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    if (byte < 0xc2 || byte > 0xf4 || end - at < more) return 0;
    if ((byte == 0xe0 && *at < 0xa0) || (byte == 0xed && *at > 0x9f)) return 0;
    if ((byte == 0xf0 && *at < 0x90) || (byte == 0xf4 && *at > 0x8f)) return 0;
    while (more--) if ((*at++ & 0xc0) != 0x80) return 0;
  }
  return 1;
}

static int base64_digit(char byte) {
  if (byte >= 'A' && byte <= 'Z') return byte - 'A';
  if (byte >= 'a' && byte <= 'z') return byte - 'a' + 26;
  if (byte >= '0' && byte <= '9') return byte - '0' + 52;
  return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* Decodes base64 in place. Returns the end. */
static char *decode_base64(char *text, const char *end) {
  char *to = text;
  unsigned bits = 0;
  int count = 0;
  for (const char *at = text; at < end; at++) {
    int digit = base64_digit(*at);
    if (digit < 0) break;
    bits = bits << 6 | digit;
    if ((count += 6) >= 8) *to++ = bits >> (count -= 8);
  }
  return to;
}

static size length(const char *text) {
  size count = 0;
  while (text[count]) count++;
  return count;
}

static struct piece text(const char *from) { return (struct piece){from, from + length(from)}; }

/* The connection that frames are sent to. */
static int node;

/* Writes all of it, to the node or to a file. */
static void write_all(int fd, const char *data, size count) {
  while (count) {
    word written = call(sys_write, fd, (word)data, count, 0, 0, 0);
    if (written == -4) continue;
    if (written <= 0) quit(0);
    data += written;
    count -= written;
  }
}

/* Frames are made twice: first to know their length, then to send them in pieces. */
static char sending[chunk];
static size frame_bytes, sending_bytes;
static int is_counting;

static void put(char byte) {
  frame_bytes++;
  if (is_counting) return;
  sending[sending_bytes++] = byte;
  if (sending_bytes == chunk) {
    write_all(node, sending, chunk);
    sending_bytes = 0;
  }
}

static void begin_frame(void) {
  is_counting = 1;
  frame_bytes = 0;
}

/* True once: the second time through, the frame is sent. */
static int again(void) {
  if (!is_counting) {
    write_all(node, sending, sending_bytes);
    sending_bytes = 0;
    return 0;
  }
  size bytes = frame_bytes;
  is_counting = 0;
  for (int shift = 24; shift >= 0; shift -= 8) put(bytes >> shift);
  return 1;
}

static void put_text(const char *from) {
  while (*from) put(*from++);
}

/* The content of a JSON string, inside `depth` strings. */
static void put_quoted(char byte, int depth) {
  static const char letters[] = "btnvfr", digits[] = "0123456789abcdef";
  if (!depth) return put(byte);
  if ((unsigned char)byte < 0x20) {
    put_quoted('\\', depth - 1);
    if (byte >= 8 && byte <= 13 && byte != 11) return put_quoted(letters[byte - 8], depth - 1);
    for (const char *at = "u00"; *at; at++) put_quoted(*at, depth - 1);
    put_quoted(digits[byte >> 4], depth - 1);
    return put_quoted(digits[byte & 15], depth - 1);
  }
  if (byte == '"' || byte == '\\') put_quoted('\\', depth - 1);
  put_quoted(byte, depth - 1);
}

static void put_pieces(struct piece piece, int depth) {
  while (piece.from < piece.to) put_quoted(*piece.from++, depth);
}

static void put_number(word number) {
  if (number >= 10) put_number(number / 10);
  put('0' + number % 10);
}

static void put_base64(struct piece bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *at = (const unsigned char *)bytes.from, *end = (const unsigned char *)bytes.to;
  for (; at < end; at += 3) {
    word left = end - at;
    unsigned bits = at[0] << 16 | (left > 1 ? at[1] << 8 : 0) | (left > 2 ? at[2] : 0);
    put(digits[bits >> 18]);
    put(digits[bits >> 12 & 63]);
    put(left > 1 ? digits[bits >> 6 & 63] : '=');
    put(left > 2 ? digits[bits & 63] : '=');
  }
}
