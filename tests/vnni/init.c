/* The first and only program of the guest: runs /program with the arguments of /arguments, one a line, says how it ended, and
 * switches the machine off. Its standard output is the serial port. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(127);
}

static void run(void)
{
	char *arguments[64] = {"/program"}, line[4096];
	char *environment[] = {"HOME=/", "RUST_BACKTRACE=1", NULL};
	int count = 1;
	FILE *list = fopen("/arguments", "r");

	if (!list)
		fail("/arguments");
	while (count < 63 && fgets(line, sizeof line, list)) {
		line[strcspn(line, "\n")] = 0;
		arguments[count++] = strdup(line);
	}
	execve("/program", arguments, environment);
	fail("/program");
}

int main(void)
{
	int status = 0, serial;

	mkdir("/proc", 0755);
	mkdir("/dev", 0755);
	mkdir("/tmp", 0777);
	if (mount("proc", "/proc", "proc", 0, NULL) || mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		return 1;
	serial = open("/dev/ttyS0", O_RDWR);
	if (serial < 0)
		return 1;
	dup2(serial, 0);
	dup2(serial, 1);
	dup2(serial, 2);
	puts("\nBEGIN");
	fflush(stdout);
	if (fork() == 0)
		run();
	wait(&status);
	printf("\nEND %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	fflush(stdout);
	sleep(1);
	reboot(RB_POWER_OFF);
	return 1;
}
