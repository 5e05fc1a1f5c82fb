/*
 * press DEVICE NAME SECONDS: presses the button NAME among a V4L2 device's controls, and holds the device open for so long.
 *
 * vivid's "Disconnect" lasts until nobody holds the device any more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: press DEVICE NAME SECONDS\n");
		return 2;
	}
	int device = open(argv[1], O_RDWR);
	if (device < 0) {
		fprintf(stderr, "press: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	struct v4l2_queryctrl control = { .id = V4L2_CTRL_FLAG_NEXT_CTRL };
	while (ioctl(device, VIDIOC_QUERYCTRL, &control) == 0) {
		if (strcmp((char *)control.name, argv[2]) == 0) {
			struct v4l2_control pressed = { .id = control.id, .value = 1 };
			if (ioctl(device, VIDIOC_S_CTRL, &pressed) == 0) {
				sleep(atoi(argv[3]));
				return 0;
			}
			fprintf(stderr, "press: %s: %s\n", argv[2], strerror(errno));
			return 1;
		}
		control.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	}
	fprintf(stderr, "press: %s has no control named %s\n", argv[1], argv[2]);
	return 1;
}
