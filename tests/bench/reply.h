// Parses a reply for the load generator, and checks it.
#pragma once
#include <pthread.h>
#include <string.h>

enum { HEAD = 4096, CODES = 32 };

// The expected reply: see the options of load.c.
static const char *prefix, *line;
static long want_bytes = -1;
static int frames;

// The number of replies in frames for each code.
static struct { char name[32]; long number; } codes[CODES];
static pthread_mutex_t codes_lock = PTHREAD_MUTEX_INITIALIZER;

// The received part: the first bytes of the outputs, and the position of the next byte in a frame.
struct reply {
    char head[HEAD];
    size_t kept;
    long total;
    unsigned char header[8];
    unsigned header_got;
    unsigned long left;
    char end[HEAD];
    size_t end_got;
    int ended, broken;
};

static void keep(struct reply *r, const char *data, size_t size) {
    size_t room = sizeof r->head - 1 - r->kept, n = size < room ? size : room;
    memcpy(r->head + r->kept, data, n);
    r->kept += n;
    r->total += size;
}

static void take_frames(struct reply *r, const char *data, size_t size) {
    while (size > 0 && !r->broken) {
        if (r->header_got < sizeof r->header) {
            r->header[r->header_got++] = *data++;
            size--;
            if (r->header_got < sizeof r->header) continue;
            r->left = (unsigned long)r->header[4] << 24 | r->header[5] << 16 | r->header[6] << 8 | r->header[7];
            int type = r->header[0];
            r->broken = r->ended || (type != 1 && type != 2 && type != 16) || r->header[1] || r->header[2] || r->header[3];
            r->ended = type == 16;
        }
        size_t n = size < r->left ? size : r->left;
        if (r->ended) {
            if (r->end_got + n >= sizeof r->end) { r->broken = 1; return; }
            memcpy(r->end + r->end_got, data, n);
            r->end_got += n;
        } else keep(r, data, n);
        data += n;
        size -= n;
        r->left -= n;
        if (r->left == 0) r->header_got = 0;
    }
}

static void take(struct reply *r, const char *data, size_t size) {
    if (frames) take_frames(r, data, size);
    else keep(r, data, size);
}

// The code of the end; "cut-short" if there is none. Counts it.
static int frames_ended_well(struct reply *r) {
    char code[32] = "cut-short";
    static const char key[] = "\"code\":\"";
    r->end[r->end_got] = 0;
    char *found = strstr(r->end, key);
    if (r->broken) strcpy(code, "broken");
    else if (r->ended && r->left == 0 && r->header_got == 0 && found) {
        found += sizeof key - 1;
        size_t n = strcspn(found, "\"");
        if (n < sizeof code) { memcpy(code, found, n); code[n] = 0; }
    }
    pthread_mutex_lock(&codes_lock);
    for (int i = 0; i < CODES; i++)
        if (!codes[i].number || !strcmp(codes[i].name, code)) {
            strcpy(codes[i].name, code);
            codes[i].number++;
            break;
        }
    pthread_mutex_unlock(&codes_lock);
    return !strcmp(code, "ok");
}

static int right(struct reply *r) {
    size_t n = prefix ? strlen(prefix) : 0;
    r->head[r->kept] = 0;
    int well = !frames || frames_ended_well(r);
    if (want_bytes >= 0 && r->total != want_bytes) return 0;
    if (!prefix && !line) return well && (r->total > 0 || want_bytes == 0);
    if ((long)r->kept != r->total || r->kept == 0 || memchr(r->head, '\n', r->kept) != r->head + r->kept - 1) return 0;
    if (prefix && (r->kept <= n || memcmp(r->head, prefix, n) || (r->head[n] >= '0' && r->head[n] <= '9'))) return 0;
    if (line && (r->kept != strlen(line) + 1 || memcmp(r->head, line, r->kept - 1))) return 0;
    return well;
}
