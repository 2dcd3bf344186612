/* What stands between the program and the disk: writes to the database fail when the test says so.
 *
 * Loaded with LD_PRELOAD. DISK_FAULTS names a file of four numbers that both sides have mapped:
 * how many writes there were; the first that fails, and the first that does not any more; the error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static volatile long *faults;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("DISK_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, 4 * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        faults = map;
    close(fd);
}

static int fails(int fd) {
    char link[64], path[512];
    if (!faults)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (!strstr(path, "gatematch.db"))
        return 0;
    long number = __atomic_add_fetch(&faults[0], 1, __ATOMIC_SEQ_CST);
    if (number < faults[1] || number >= faults[2])
        return 0;
    errno = (int)faults[3];
    return 1;
}

#define NEXT(name) \
    static __typeof__(&name) next; \
    if (!next) \
        next = (__typeof__(&name))dlsym(RTLD_NEXT, #name);

#define SYNC(name) \
    int name(int fd) { \
        NEXT(name) \
        return fails(fd) ? -1 : next(fd); \
    }

#define PWRITE(name, offset) \
    ssize_t name(int fd, const void *data, size_t size, offset at) { \
        NEXT(name) \
        return fails(fd) ? -1 : next(fd, data, size, at); \
    }

#define TRUNCATE(name, offset) \
    int name(int fd, offset size) { \
        NEXT(name) \
        return fails(fd) ? -1 : next(fd, size); \
    }

SYNC(fsync)
SYNC(fdatasync)
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

ssize_t write(int fd, const void *data, size_t size) {
    NEXT(write)
    return fails(fd) ? -1 : next(fd, data, size);
}
