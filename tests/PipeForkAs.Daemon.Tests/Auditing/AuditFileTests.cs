using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Auditing;

public sealed class AuditFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void The_audit_file_is_created_for_root_only_and_written_at_its_end()
    {
        string path = folder.File("audit");
        uint umask = Libc.umask(0);
        try
        {
            using (AuditFile file = AuditFile.Open(path))
                Assert.Equal(Errno.None, file.Append("one\n"u8));
        }
        finally
        {
            Libc.umask(umask);
        }

        using (AuditFile file = AuditFile.Open(path))
            file.Append("two\n"u8);
        Assert.Equal("one\ntwo\n", File.ReadAllText(path));
        Assert.Equal((UserId.Root, 0x180u), (Libc.lstat(path)!.Value.Owner, Libc.lstat(path)!.Value.Permissions));
    }

    [Fact]
    public void A_file_that_its_group_can_read_is_accepted()
    {
        string path = folder.Write("audit", "");
        Libc.chmod(path, 0x1A0); // 0640
        AuditFile.Open(path).Dispose();
    }

    [Theory]
    [InlineData("audit")]
    [InlineData("/")]
    [InlineData("/tmp/")]
    [InlineData("/tmp/a\0b")]
    [InlineData("/no/such/folder/audit")]
    [InlineData("/etc/passwd/audit")]
    public void Invalid_paths_are_refused(string path) => Refused(path);

    [Theory]
    [InlineData(0x1A4u)] // 0644
    [InlineData(0x1B0u)] // 0660
    [InlineData(0x1C0u)] // 0700
    [InlineData(0x980u)] // 04600
    public void A_file_that_other_users_can_access_is_refused(uint mode)
    {
        string path = folder.Write("audit", "");
        Libc.chmod(path, mode);
        Assert.Contains("remove that (chmod 0640)", Refused(path));
    }

    [Fact]
    public void Symbolic_and_hard_links_are_refused()
    {
        string target = folder.Write("target", "");
        Libc.chmod(target, 0x180);
        File.CreateSymbolicLink(folder.File("link"), target);
        Assert.Contains("SymbolicLink", Refused(folder.File("link")));
        Child.Run("/bin/ln", [target, folder.File("second")]);
        Assert.Contains("has 2 hard links", Refused(target));
    }

    [Fact]
    public void A_FIFO_in_place_of_the_audit_file_does_not_block()
    {
        Child.Run("/usr/bin/mkfifo", ["-m", "0600", folder.File("audit")]);
        Assert.Contains("Fifo", Refused(folder.File("audit")));
    }

    [Fact]
    public void A_file_or_folder_of_another_user_is_refused()
    {
        string path = folder.Write("audit", "");
        Libc.chmod(path, 0x180);
        Child.Run("/bin/chown", ["12345", path]);
        Assert.Contains("belongs to uid 12345", Refused(path));

        string others = folder.MakeFolder("others");
        Child.Run("/bin/chown", ["12345", others]);
        Assert.Contains("belongs to uid 12345", Refused(Path.Combine(others, "audit")));
        Assert.False(File.Exists(Path.Combine(others, "audit")));
    }

    [Fact]
    public void A_full_disk_is_reported_and_the_next_line_is_complete()
    {
        string mount = folder.MakeFolder("disk");
        Child.Run("/bin/mount", ["-t", "tmpfs", "-o", "size=4096,mode=0755", "tmpfs", mount]);
        try
        {
            string path = Path.Combine(mount, "audit");
            using AuditFile file = AuditFile.Open(path);
            Assert.Equal(Errno.None, file.Append([.. Enumerable.Repeat((byte)'a', 4000), (byte)'\n']));
            Assert.Equal(28, file.Append([.. Enumerable.Repeat((byte)'b', 500), (byte)'\n']).Value);
            Assert.Equal(28, file.Append("c\n"u8).Value);
            Assert.Equal(28, file.Append("d\n"u8).Value);

            Child.Run("/bin/mount", ["-o", "remount,size=8192", mount]);
            Assert.Equal(Errno.None, file.Append("e\n"u8));
            string[] lines = File.ReadAllLines(path);
            Assert.Equal(3, lines.Length);
            Assert.Equal(new string('b', 95), lines[1]);
            Assert.Equal("e", lines[2]);
        }
        finally
        {
            Child.Run("/bin/umount", ["-l", mount]);
        }
    }

    public void Dispose() => folder.Dispose();

    private static string Refused(string path)
    {
        string message = Assert.Throws<ConfigurationException>(() => AuditFile.Open(path)).Message;
        Assert.StartsWith("Audit:File: ", message);
        return message;
    }
}
