package procfs

import "github.com/closewait/closewait/internal/look"

// numbers are a system call's numbers by ABI, -1 where it has none.
type numbers [abis]int16

// calls are the system calls a thread can wait in for long, with their numbers (arch/*/entry/syscalls/*.tbl, scripts/syscall.tbl). Those that only wait for a disk or a lock inside
// the kernel are not among them: their threads are in state D. For a file system that is a program (request_wait_answer in fs/fuse/dev.c), an automounter, a scanner that has to permit
// the access, or the other side of a FIFO (wait_for_partner in fs/fifo.c) they wait in state S, in whatever call concerns a file.
var calls = [...]struct {
	name string
	kind look.CallKind
	numbers
}{
	{"read", look.CallRead, numbers{3, 0, 3, 63, 4003, 5000, 3, 3}},
	{"readv", look.CallRead, numbers{145, 19, 145, 65, 4145, 5018, 145, 145}},
	{"pread64", look.CallRead, numbers{180, 17, 180, 67, 4200, 5016, 179, 180}},
	{"preadv", look.CallRead, numbers{333, 295, 361, 69, 4330, 5289, 320, 328}},
	{"preadv2", look.CallRead, numbers{378, 327, 392, 286, 4361, 5321, 380, 376}},
	{"recv", look.CallRead, numbers{-1, -1, 291, -1, 4175, -1, 336, -1}},
	{"recvfrom", look.CallRead, numbers{371, 45, 292, 207, 4176, 5044, 337, 371}},
	{"recvmsg", look.CallRead, numbers{372, 47, 297, 212, 4177, 5046, 342, 372}},
	{"recvmmsg", look.CallRead, numbers{337, 299, 365, 243, 4335, 5294, 343, 357}},
	{"recvmmsg_time64", look.CallRead, numbers{417, -1, 417, -1, 4417, -1, -1, -1}},
	{"splice", look.CallRead, numbers{313, 275, 340, 76, 4304, 5263, 283, 306}},
	{"tee", look.CallRead, numbers{315, 276, 342, 77, 4306, 5265, 284, 308}},
	{"write", look.CallWrite, numbers{4, 1, 4, 64, 4004, 5001, 4, 4}},
	{"writev", look.CallWrite, numbers{146, 20, 146, 66, 4146, 5019, 146, 146}},
	{"pwrite64", look.CallWrite, numbers{181, 18, 181, 68, 4201, 5017, 180, 181}},
	{"pwritev", look.CallWrite, numbers{334, 296, 362, 70, 4331, 5290, 321, 329}},
	{"pwritev2", look.CallWrite, numbers{379, 328, 393, 287, 4362, 5322, 381, 377}},
	{"send", look.CallWrite, numbers{-1, -1, 289, -1, 4178, -1, 334, -1}},
	{"sendto", look.CallWrite, numbers{369, 44, 290, 206, 4180, 5043, 335, 369}},
	{"sendmsg", look.CallWrite, numbers{370, 46, 296, 211, 4179, 5045, 341, 370}},
	{"sendmmsg", look.CallWrite, numbers{345, 307, 374, 269, 4343, 5302, 349, 358}},
	{"sendfile", look.CallWrite, numbers{187, 40, 187, 71, 4207, 5039, 186, 187}},
	{"sendfile64", look.CallWrite, numbers{239, -1, 239, -1, 4237, -1, -1, -1}},
	{"vmsplice", look.CallWrite, numbers{316, 278, 343, 75, 4307, 5266, 285, 309}},
	{"connect", look.CallConnect, numbers{362, 42, 283, 203, 4170, 5041, 328, 362}},
	{"accept", look.CallAccept, numbers{-1, 43, 285, 202, 4168, 5042, 330, -1}},
	{"accept4", look.CallAccept, numbers{364, 288, 366, 242, 4334, 5293, 344, 364}},
	{"epoll_wait", look.CallPoll, numbers{256, 232, 252, -1, 4250, 5209, 238, 251}},
	{"epoll_pwait", look.CallPoll, numbers{319, 281, 346, 22, 4313, 5272, 303, 312}},
	{"epoll_pwait2", look.CallPoll, numbers{441, 441, 441, 441, 4441, 5441, 441, 441}},
	{"poll", look.CallPoll, numbers{168, 7, 168, -1, 4188, 5007, 167, 168}},
	{"ppoll", look.CallPoll, numbers{309, 271, 336, 73, 4302, 5261, 281, 302}},
	{"ppoll_time64", look.CallPoll, numbers{414, -1, 414, -1, 4414, -1, -1, -1}},
	{"select", look.CallPoll, numbers{82, 23, -1, -1, -1, -1, 82, 142}},
	{"_newselect", look.CallPoll, numbers{142, -1, 142, -1, 4142, 5022, 142, -1}},
	{"pselect6", look.CallPoll, numbers{308, 270, 335, 72, 4301, 5260, 280, 301}},
	{"pselect6_time64", look.CallPoll, numbers{413, -1, 413, -1, 4413, -1, -1, -1}},
	{"io_uring_enter", look.CallPoll, numbers{426, 426, 426, 426, 4426, 5426, 426, 426}},
	{"io_getevents", look.CallPoll, numbers{247, 208, 245, 4, 4243, 5202, 229, 245}},
	{"io_pgetevents", look.CallPoll, numbers{385, 333, 399, 292, 4368, 5328, 388, 382}},
	{"futex", look.CallLock, numbers{240, 202, 240, 98, 4238, 5194, 221, 238}},
	{"futex_time64", look.CallLock, numbers{422, -1, 422, -1, 4422, -1, -1, -1}},
	{"futex_waitv", look.CallLock, numbers{449, 449, 449, 449, 4449, 5449, 449, 449}},
	{"futex_wait", look.CallLock, numbers{455, 455, 455, 455, 4455, 5455, 455, 455}},
	{"semop", look.CallLock, numbers{-1, 65, 298, 193, -1, 5063, -1, -1}},
	{"semtimedop", look.CallLock, numbers{-1, 220, 312, 192, -1, 5214, 392, 392}},
	{"semtimedop_time64", look.CallLock, numbers{420, -1, 420, -1, 4420, -1, -1, -1}},
	{"ipc", look.CallLock, numbers{117, -1, -1, -1, 4117, -1, 117, 117}},
	{"flock", look.CallLock, numbers{143, 73, 143, 32, 4143, 5071, 143, 143}},
	{"fcntl", look.CallLock, numbers{55, 72, 55, 25, 4055, 5070, 55, 55}},
	{"fcntl64", look.CallLock, numbers{221, -1, 221, -1, 4220, -1, -1, -1}},
	{"msgrcv", look.CallLock, numbers{401, 70, 302, 188, 4401, 5068, 401, 401}},
	{"msgsnd", look.CallLock, numbers{400, 69, 301, 189, 4400, 5067, 400, 400}},
	{"mq_timedreceive", look.CallLock, numbers{280, 243, 277, 183, 4274, 5233, 265, 274}},
	{"mq_timedreceive_time64", look.CallLock, numbers{419, -1, 419, -1, 4419, -1, 419, -1}},
	{"mq_timedsend", look.CallLock, numbers{279, 242, 276, 182, 4273, 5232, 264, 273}},
	{"mq_timedsend_time64", look.CallLock, numbers{418, -1, 418, -1, 4418, -1, 418, -1}},
	{"nanosleep", look.CallSleep, numbers{162, 35, 162, 101, 4166, 5034, 162, 162}},
	{"clock_nanosleep", look.CallSleep, numbers{267, 230, 265, 115, 4265, 5224, 248, 262}},
	{"clock_nanosleep_time64", look.CallSleep, numbers{407, -1, 407, -1, 4407, -1, -1, -1}},
	{"pause", look.CallSleep, numbers{29, 34, 29, -1, 4029, 5033, 29, 29}},
	{"rt_sigsuspend", look.CallSleep, numbers{179, 130, 179, 133, 4199, 5128, 178, 179}},
	{"rt_sigtimedwait", look.CallSleep, numbers{177, 128, 177, 137, 4197, 5126, 176, 177}},
	{"rt_sigtimedwait_time64", look.CallSleep, numbers{421, -1, 421, -1, 4421, -1, -1, -1}},
	{"wait4", look.CallChild, numbers{114, 61, 114, 260, 4114, 5059, 114, 114}},
	{"waitid", look.CallChild, numbers{284, 247, 280, 95, 4278, 5237, 272, 281}},
	{"waitpid", look.CallChild, numbers{7, -1, -1, -1, 4007, -1, 7, -1}},
	{"open", look.CallFile, numbers{5, 2, 5, -1, 4005, 5002, 5, 5}},
	{"openat", look.CallFile, numbers{295, 257, 322, 56, 4288, 5247, 286, 288}},
	{"openat2", look.CallFile, numbers{437, 437, 437, 437, 4437, 5437, 437, 437}},
	{"stat", look.CallFile, numbers{106, 4, 106, -1, 4106, 5004, 106, 106}},
	{"stat64", look.CallFile, numbers{195, -1, 195, -1, 4213, -1, -1, -1}},
	{"lstat", look.CallFile, numbers{107, 6, 107, -1, 4107, 5006, 107, 107}},
	{"lstat64", look.CallFile, numbers{196, -1, 196, -1, 4214, -1, -1, -1}},
	{"newfstatat", look.CallFile, numbers{-1, 262, -1, 79, -1, 5252, 291, 293}},
	{"fstatat64", look.CallFile, numbers{300, -1, 327, -1, 4293, -1, -1, -1}},
	{"statx", look.CallFile, numbers{383, 332, 397, 291, 4366, 5326, 383, 379}},
	{"access", look.CallFile, numbers{33, 21, 33, -1, 4033, 5020, 33, 33}},
	{"faccessat", look.CallFile, numbers{307, 269, 334, 48, 4300, 5259, 298, 300}},
	{"faccessat2", look.CallFile, numbers{439, 439, 439, 439, 4439, 5439, 439, 439}},
	{"statfs", look.CallFile, numbers{99, 137, 99, 43, 4099, 5134, 99, 99}},
	{"statfs64", look.CallFile, numbers{268, -1, 266, -1, 4255, -1, 252, 265}},
	{"readlink", look.CallFile, numbers{85, 89, 85, -1, 4085, 5087, 85, 85}},
	{"readlinkat", look.CallFile, numbers{305, 267, 332, 78, 4298, 5257, 296, 298}},
	{"getdents", look.CallFile, numbers{141, 78, 141, -1, 4141, 5076, 141, 141}},
	{"getdents64", look.CallFile, numbers{220, 217, 217, 61, 4219, 5308, 202, 220}},
	{"close", look.CallFile, numbers{6, 3, 6, 57, 4006, 5003, 6, 6}},
	{"fsync", look.CallFile, numbers{118, 74, 118, 82, 4118, 5072, 118, 118}},
	{"fdatasync", look.CallFile, numbers{148, 75, 148, 83, 4152, 5073, 148, 148}},
	{"fstat", look.CallFile, numbers{108, 5, 108, 80, 4108, 5005, 108, 108}},
	{"fstat64", look.CallFile, numbers{197, -1, 197, -1, 4215, -1, 197, -1}},
	{"ftruncate", look.CallFile, numbers{93, 77, 93, 46, 4093, 5075, 93, 93}},
	{"ftruncate64", look.CallFile, numbers{194, -1, 194, -1, 4212, -1, 194, -1}},
	{"execve", look.CallFile, numbers{11, 59, 11, 221, 4011, 5057, 11, 11}},
	{"chdir", look.CallFile, numbers{12, 80, 12, 49, 4012, 5078, 12, 12}},
	{"rmdir", look.CallFile, numbers{40, 84, 40, -1, 4040, 5082, 40, 40}},
	{"getxattr", look.CallFile, numbers{229, 191, 229, 8, 4227, 5183, 212, 227}},
	{"unlink", look.CallFile, numbers{10, 87, 10, -1, 4010, 5085, 10, 10}},
	{"unlinkat", look.CallFile, numbers{301, 263, 328, 35, 4294, 5253, 292, 294}},
	{"rename", look.CallFile, numbers{38, 82, 38, -1, 4038, 5080, 38, 38}},
	{"renameat2", look.CallFile, numbers{353, 316, 382, 276, 4351, 5311, 357, 347}},
	{"mkdir", look.CallFile, numbers{39, 83, 39, -1, 4039, 5081, 39, 39}},
	{"mkdirat", look.CallFile, numbers{296, 258, 323, 34, 4289, 5248, 287, 289}},
}

// restartCalls is restart_syscall.
var restartCalls = numbers{0, 219, 0, 128, 4253, 5213, 0, 7}

// socketCalls is the call that stands for all those of sockets where they had no numbers of their own (sys_socketcall in net/socket.c); 32 bit programs of
// old C libraries still use it.
var socketCalls = numbers{102, -1, -1, -1, 4102, -1, 102, 102}

// socketCall returns what the first argument of socketcall selects (SYS_CONNECT and so on in include/uapi/linux/net.h).
func socketCall(selector uint64) (name string, kind look.CallKind) {
	switch selector {
	case 3:
		return "connect", look.CallConnect
	case 5, 18:
		return "accept", look.CallAccept
	case 9, 11, 16, 20:
		return "send", look.CallWrite
	case 10, 12, 17, 19:
		return "recv", look.CallRead
	}
	return "socketcall", look.CallUnknown
}
