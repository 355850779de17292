using System.Globalization;

namespace PipeForkAs.LibC.Tests;

public sealed class TerminalTests
{
    [Fact]
    public void A_pipe_is_not_a_terminal_and_has_no_group_in_the_foreground()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        using (write)
        {
            Assert.False(Libc.isatty(read));
            Assert.Null(Libc.tcgetpgrp(read));
        }
    }

    [Fact]
    public void A_new_terminal_has_no_group_in_the_foreground()
    {
        // Its other end, which anyone who has it may ask.
        using FileDescriptor terminal = Libc.open("/dev/ptmx", OpenFlags.O_RDWR | OpenFlags.O_NOCTTY);
        Assert.True(Libc.isatty(terminal));
        Assert.Equal(new ProcessId(0), Libc.tcgetpgrp(terminal));
    }

    [Fact]
    public void The_process_group_is_the_one_in_proc()
    {
        // proc(5): the fifth field; the second one, the name, is in parentheses.
        string status = File.ReadAllText("/proc/self/stat");
        string group = status[(status.LastIndexOf(')') + 2)..].Split(' ')[2];
        Assert.Equal(int.Parse(group, CultureInfo.InvariantCulture), Libc.getpgrp().Value);
    }
}
