/*
 * Preloaded into a till, this fails chosen calls on chosen files of a journal,
 * as a broken disk does, and keeps beside each file what a power cut would
 * leave of it: FILE.disk has what was synced. A sync that fails drops what was
 * written since the last one, as Linux does: the file still shows it, the disk
 * never gets it, and the next sync says that all is well.
 *
 * The test maps the file named by FILS_FAULT as well and fills it in while the
 * till runs; see faults in fault_linux_test.go.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { SYNC = 1, WRITE = 2, READ = 4, TRUNCATE = 8 };
enum { JOURNAL = 1, LOG = 2, SHARED = 4 };
enum { NOTHING = 0, DONE = 1, HALF = 2, SHORT = 3 };
enum { BLOCK = 4096, BLOCKS = 16384 };

struct control {
	int32_t calls, files; /* which */
	int32_t skip, times;  /* so many pass, then so many fail; below zero: all */
	int32_t how, err;     /* what is really done, and what is said */
	int32_t seen, failed; /* by this library: matching calls, failures */
};

/* What was written to the journal and its log since the last sync; a process
 * has one journal at a time. */
struct tracked {
	char path[PATH_MAX];
	unsigned char dirty[BLOCKS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct control *control;
static struct tracked journal, journal_log;

static ssize_t (*real_pread)(int, void *, size_t, off64_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int), (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off64_t);
static int (*real_unlink)(const char *);

__attribute__((constructor)) static void begin(void)
{
	real_pread = dlsym(RTLD_NEXT, "pread64");
	real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
	real_read = dlsym(RTLD_NEXT, "read");
	real_write = dlsym(RTLD_NEXT, "write");
	real_fsync = dlsym(RTLD_NEXT, "fsync");
	real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
	real_unlink = dlsym(RTLD_NEXT, "unlink");
	const char *name = getenv("FILS_FAULT");
	if (!name)
		return;
	int fd = open(name, O_RDWR);
	void *m = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		abort();
	close(fd);
	control = m;
}

static int ends(const char *path, const char *name)
{
	size_t n = strlen(path), m = strlen(name);
	return n >= m && !strcmp(path + n - m, name);
}

/* which says what part of a journal a path is; zero is none. */
static int which(const char *path)
{
	if (ends(path, "/journal.db"))
		return JOURNAL;
	if (ends(path, "/journal.db-wal"))
		return LOG;
	if (ends(path, "/journal.db-shm"))
		return SHARED;
	return 0;
}

static int part(int fd, char *path)
{
	char link[64];
	int saved = errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = control ? readlink(link, path, PATH_MAX - 1) : 0;
	errno = saved;
	if (n <= 0)
		return 0;
	path[n] = 0;
	return which(path);
}

/* fails decides over one call; how is what to do when it does. */
static int fails(int call, int file, int *how)
{
	struct control *c = control;
	if (!(c->calls & call) || !(c->files & file))
		return 0;
	c->seen++;
	if (c->skip > 0) {
		c->skip--;
		return 0;
	}
	if (!c->times)
		return 0;
	if (c->times > 0)
		c->times--;
	c->failed++;
	*how = c->how;
	return 1;
}

static int failure(void)
{
	errno = control->err ? control->err : EIO;
	return -1;
}

static struct tracked *track(const char *path)
{
	struct tracked *t = which(path) == LOG ? &journal_log : &journal;
	if (strcmp(t->path, path)) {
		memset(t, 0, sizeof *t);
		strcpy(t->path, path);
	}
	return t;
}

static void touch(const char *path, off64_t at, ssize_t n)
{
	if (n <= 0)
		return;
	struct tracked *t = track(path);
	for (off64_t b = at / BLOCK; b <= (at + n - 1) / BLOCK; b++) {
		if (b >= BLOCKS)
			abort();
		t->dirty[b] = 1;
	}
}

/* settle is a sync: what was written reaches the disk, or never will. */
static void settle(int fd, const char *path, int reaches)
{
	struct tracked *t = track(path);
	struct stat s;
	char name[PATH_MAX + 8], block[BLOCK];
	if (reaches && !fstat(fd, &s)) {
		snprintf(name, sizeof name, "%s.disk", path);
		int out = open(name, O_RDWR | O_CREAT, 0600);
		if (out < 0)
			abort();
		for (int b = 0; b < BLOCKS; b++) {
			if (!t->dirty[b])
				continue;
			ssize_t n = real_pread(fd, block, BLOCK, (off64_t)b * BLOCK);
			if (n > 0 && real_pwrite(out, block, n, (off64_t)b * BLOCK) != n)
				abort();
		}
		if (real_ftruncate(out, s.st_size))
			abort();
		close(out);
	}
	memset(t->dirty, 0, sizeof t->dirty);
}

static int synced(int fd, int (*sync)(int))
{
	char path[PATH_MAX];
	int how = NOTHING, file = part(fd, path);
	if (!control)
		return sync(fd);
	if (!file || file == SHARED)
		return 0; /* a real sync would only take time */
	pthread_mutex_lock(&lock);
	int failed = fails(SYNC, file, &how);
	settle(fd, path, !failed || how == DONE);
	int rc = failed ? failure() : 0;
	pthread_mutex_unlock(&lock);
	return rc;
}

int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }

static ssize_t written(int fd, const void *buf, size_t n, off64_t at)
{
	char path[PATH_MAX];
	int how = NOTHING, file = part(fd, path);
	if (!file)
		return real_pwrite(fd, buf, n, at);
	pthread_mutex_lock(&lock);
	int failed = fails(WRITE, file, &how);
	size_t really = !failed || how == DONE ? n : how == NOTHING ? 0 : n / 2;
	ssize_t rc = really ? real_pwrite(fd, buf, really, at) : 0;
	if (file != SHARED)
		touch(path, at, rc);
	if (failed && how != SHORT)
		rc = failure();
	pthread_mutex_unlock(&lock);
	return rc;
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at) { return written(fd, buf, n, at); }
ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at) { return written(fd, buf, n, at); }

ssize_t write(int fd, const void *buf, size_t n)
{
	char path[PATH_MAX];
	if (!part(fd, path))
		return real_write(fd, buf, n);
	off64_t at = lseek64(fd, 0, SEEK_CUR);
	ssize_t rc = written(fd, buf, n, at);
	if (rc > 0)
		lseek64(fd, at + rc, SEEK_SET);
	return rc;
}

static ssize_t readable(int fd, size_t *n)
{
	char path[PATH_MAX];
	int how = NOTHING, file = part(fd, path), failed = 0;
	if (!file)
		return 0;
	pthread_mutex_lock(&lock);
	failed = fails(READ, file, &how);
	if (failed && how == SHORT)
		*n /= 2;
	pthread_mutex_unlock(&lock);
	return failed && how != SHORT ? failure() : 0;
}

ssize_t pread(int fd, void *buf, size_t n, off_t at) { return readable(fd, &n) ? -1 : real_pread(fd, buf, n, at); }
ssize_t pread64(int fd, void *buf, size_t n, off64_t at) { return readable(fd, &n) ? -1 : real_pread(fd, buf, n, at); }
ssize_t read(int fd, void *buf, size_t n) { return readable(fd, &n) ? -1 : real_read(fd, buf, n); }

static int truncated(int fd, off64_t size)
{
	char path[PATH_MAX];
	int how = NOTHING, file = part(fd, path);
	if (!file || file == SHARED)
		return real_ftruncate(fd, size);
	pthread_mutex_lock(&lock);
	int failed = fails(TRUNCATE, file, &how);
	int rc = !failed || how == DONE ? real_ftruncate(fd, size) : 0;
	if (failed)
		rc = failure();
	pthread_mutex_unlock(&lock);
	return rc;
}

int ftruncate(int fd, off_t size) { return truncated(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncated(fd, size); }

int unlink(const char *path)
{
	char name[PATH_MAX + 8];
	int rc = real_unlink(path);
	if (!rc && control && which(path) && strlen(path) < PATH_MAX) {
		snprintf(name, sizeof name, "%s.disk", path);
		int saved = errno;
		real_unlink(name);
		errno = saved;
	}
	return rc;
}
