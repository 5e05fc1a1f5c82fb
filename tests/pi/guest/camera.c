/*
 * camera DEVICE FORMAT WIDTH HEIGHT FPS PICTURE: plays PICTURE, one frame's bytes, into a v4l2loopback device.
 *
 * The file is read again for every frame, so that renaming another over it changes what the camera sees. A file that is
 * shorter than a frame is passed on as it is: compressed frames are.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static unsigned char frame[4 << 20];

static void fail(const char *what)
{
	fprintf(stderr, "camera: %s: %s\n", what, strerror(errno));
	exit(1);
}

static size_t read_picture(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		fail(path);
	size_t length = fread(frame, 1, sizeof frame, file);
	fclose(file);
	return length;
}

int main(int argc, char **argv)
{
	if (argc != 7 || strlen(argv[2]) != 4) {
		fprintf(stderr, "usage: camera DEVICE FORMAT WIDTH HEIGHT FPS PICTURE, FORMAT as YUYV, MJPG\n");
		return 2;
	}
	const char *code = argv[2], *picture = argv[6];
	int device = open(argv[1], O_RDWR);
	if (device < 0)
		fail(argv[1]);
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT };
	format.fmt.pix.width = atoi(argv[3]);
	format.fmt.pix.height = atoi(argv[4]);
	format.fmt.pix.pixelformat = v4l2_fourcc(code[0], code[1], code[2], code[3]);
	format.fmt.pix.field = V4L2_FIELD_NONE;
	format.fmt.pix.sizeimage = format.fmt.pix.width * format.fmt.pix.height * 2;
	if (ioctl(device, VIDIOC_S_FMT, &format) < 0)
		fail("VIDIOC_S_FMT");
	struct v4l2_streamparm rate = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT };
	rate.parm.output.timeperframe.numerator = 1;
	rate.parm.output.timeperframe.denominator = atoi(argv[5]);
	if (ioctl(device, VIDIOC_S_PARM, &rate) < 0)
		fail("VIDIOC_S_PARM");
	struct timespec next;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		size_t length = read_picture(picture);
		if (write(device, frame, length) != (ssize_t)length)
			fail("write");
		next.tv_nsec += 1000000000L / atoi(argv[5]);
		if (next.tv_nsec >= 1000000000L) {
			next.tv_nsec -= 1000000000L;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
}
