/* Another time of day for one process, by LD_PRELOAD: the file that SHIFT_FILE names holds the shift in seconds (a double), read at every
   look at the clock. Clocks that only count on are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static const volatile double *shift;

__attribute__((constructor)) static void open_shift(void) {
    const char *path = getenv("SHIFT_FILE");
    int fd = path ? open(path, O_RDONLY) : -1;
    void *at = fd < 0 ? MAP_FAILED : mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
    shift = at == MAP_FAILED ? 0 : at;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, out);
    if (!result && shift && clock == CLOCK_REALTIME) out->tv_sec += (time_t)floor(*shift);
    return result;
}
