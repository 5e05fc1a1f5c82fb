/*
 * A TCG plugin for qemu-aarch64: counts the instructions of an emulated program between marks. A mark is one byte written to
 * standard error; for each, QEMU's plugin log gets a line with the instructions executed since the last one.
 *
 * The part of QEMU's plugin interface (version 1, QEMU 4.2 to 8) that is used is declared here: Debian packages no header for it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*translated)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*called)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
		       uint64_t);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translated);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, called);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, enum qemu_plugin_op, void *, uint64_t);
void qemu_plugin_outs(const char *);

int qemu_plugin_version = 1;

/* Linux's number of write(2) on aarch64. */
enum { WRITE = 64, STANDARD_ERROR = 2 };

static uint64_t executed, marked;

static void count_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &executed, qemu_plugin_tb_n_insns(block));
}

static void tell_mark(qemu_plugin_id_t id, unsigned cpu, int64_t number, uint64_t file, uint64_t bytes, uint64_t length, uint64_t d,
		      uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
	(void)id, (void)cpu, (void)bytes, (void)d, (void)e, (void)f, (void)g, (void)h;
	if (number != WRITE || file != STANDARD_ERROR || length != 1)
		return;
	char line[32];
	snprintf(line, sizeof line, "%" PRIu64 "\n", executed - marked);
	qemu_plugin_outs(line);
	marked = executed;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int count, char **arguments)
{
	(void)info, (void)count, (void)arguments;
	qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
	qemu_plugin_register_vcpu_syscall_cb(id, tell_mark);
	return 0;
}
