using PipeForkAs.Daemon.Files;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Files;

public sealed class TrustedFileTests : IDisposable
{
    private const uint Everyone = 0x1FF; // 0777
    private const uint Sticky = 0x200; // 01000
    private static readonly string[] Stranger = ["chown", "-h", "60001:60001"];

    private readonly TemporaryFolder folder = new();

    public TrustedFileTests() =>
        Assert.SkipUnless(Libc.geteuid() == UserId.Root, "only root can make files that are root's, and files that are not");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_of_root_in_folders_of_root_is_trusted()
    {
        Assert.Null(TrustedFile.Problem("/etc/passwd"));
        Assert.Null(TrustedFile.Problem(folder.Write("file", "")));
        Assert.Null(TrustedFile.Problem("/etc//./../etc/passwd"));
    }

    [Theory]
    [InlineData(0x1A4u, false)] // 0644
    [InlineData(0x1ADu, true)] // 0655: the group's and others' suffice.
    [InlineData(0x1E4u, true)] // 0744
    public void A_program_needs_an_execute_permission(uint mode, bool executable)
    {
        string path = folder.Write("program", "");
        Libc.chmod(path, mode);
        Assert.Equal(executable ? null : "it is not executable; set its mode (chmod +x)", TrustedFile.ProgramProblem(path));
        Assert.Null(TrustedFile.Problem(path));
        Assert.Equal("there is no such file", TrustedFile.ProgramProblem(path + "x"));
    }

    [Theory]
    [InlineData("etc/passwd", "it must be an absolute path")]
    [InlineData("", "it must be an absolute path")]
    [InlineData("{path}", "it must be an absolute path")]
    [InlineData("/etc/passwd\0x", "it must not contain NUL")]
    [InlineData("/no/such/file", "there is no such file")]
    [InlineData("/etc/passwd/x", "there is no such file")]
    [InlineData("/etc/passwd/..", "there is no such file")]
    [InlineData("/etc", "it is not a regular file but a Directory")]
    [InlineData("/", "it is not a regular file but a Directory")]
    public void A_path_that_is_not_a_regular_file_is_reported(string path, string problem) =>
        Assert.Equal(problem, TrustedFile.Problem(path));

    [Fact]
    public void An_impossible_file_name_is_reported_and_does_not_throw() =>
        Assert.NotNull(TrustedFile.Problem("/" + new string('x', 300)));

    [Theory]
    [InlineData(0x1A4u, true)] // 0644
    [InlineData(0x1EDu, true)] // 0755
    [InlineData(0x100u, true)] // 0400
    [InlineData(0x1B4u, false)] // 0664
    [InlineData(0x186u, false)] // 0606
    [InlineData(Everyone, false)]
    [InlineData(Everyone | Sticky, false)]
    public void A_file_that_other_users_can_write_is_not_trusted(uint mode, bool trusted)
    {
        string path = folder.Write("file", "");
        Libc.chmod(path, mode);
        Assert.Equal(
            trusted ? null : $"{path} can be written by users other than root; remove that (chmod go-w)", TrustedFile.Problem(path));
    }

    [Fact]
    public void A_file_of_another_user_is_not_trusted()
    {
        string path = folder.Write("file", "");
        GiveAway(path);
        Assert.Equal($"{path} belongs to uid 60001; it must belong to root (chown root)", TrustedFile.Problem(path));
    }

    [Fact]
    public void Parent_folders_must_be_owned_and_writable_only_by_root_or_be_sticky()
    {
        string upper = folder.MakeFolder("upper");
        folder.MakeFolder("upper/lower");
        string path = folder.Write("upper/lower/file", "");
        Libc.chmod(upper, Everyone);
        Assert.Equal($"{upper} can be written by users other than root; remove that (chmod go-w)", TrustedFile.Problem(path));
        Libc.chmod(upper, Everyone | Sticky);
        Assert.Null(TrustedFile.Problem(path));
        Libc.chmod(upper, 0x1ED);
        GiveAway(upper);
        Assert.Equal(
            $"{upper} belongs to uid 60001, who can replace its content; use a path where every folder belongs to root, for example below "
            + $"/etc or /usr/local",
            TrustedFile.Problem(path));
    }

    [Fact]
    public void Links_of_root_are_followed_and_their_targets_are_checked()
    {
        string file = folder.Write("file", "");
        folder.MakeFolder("inner");
        Link("relative", "file");
        Link("inner/up", "../relative");
        Link("absolute", file);
        Link("folder", "inner");
        Assert.Null(TrustedFile.Problem(folder.File("relative")));
        Assert.Null(TrustedFile.Problem(folder.File("inner/up")));
        Assert.Null(TrustedFile.Problem(folder.File("absolute")));
        Assert.Null(TrustedFile.Problem(folder.File("folder/up")));

        Libc.chmod(file, Everyone);
        Assert.StartsWith($"{file} can be written", TrustedFile.Problem(folder.File("folder/up")), StringComparison.Ordinal);
        File.Delete(file);
        Assert.Equal("there is no such file", TrustedFile.Problem(folder.File("relative")));
    }

    [Fact]
    public void Circular_links_are_reported()
    {
        Link("one", "two");
        Link("two", "one");
        Link("self", "self/self");
        Assert.Equal("it has too many symbolic links", TrustedFile.Problem(folder.File("one")));
        Assert.Equal("it has too many symbolic links", TrustedFile.Problem(folder.File("self")));
    }

    /// <summary>A user who can replace a link chooses the file: first one of root that passes the check, and then another.</summary>
    [Fact]
    public void A_link_that_another_user_can_replace_is_never_trusted()
    {
        string home = folder.MakeFolder("home");
        Link("home/link", "/etc/passwd");
        GiveAway(home);
        Assert.Equal(
            $"{home} belongs to uid 60001, who can replace its content; use a path where every folder belongs to root, for example below "
            + $"/etc or /usr/local",
            TrustedFile.Problem(folder.File("home/link")));

        string shared = folder.MakeFolder("shared");
        Link("shared/link", "/etc/passwd");
        Libc.chmod(shared, Everyone);
        Assert.Contains("can be written by", TrustedFile.Problem(folder.File("shared/link")), StringComparison.Ordinal);
        Libc.chmod(shared, Everyone | Sticky);
        Assert.Null(TrustedFile.Problem(folder.File("shared/link")));
        GiveAway(folder.File("shared/link"));
        Assert.Equal(
            $"{folder.File("shared/link")} belongs to uid 60001; it must belong to root (chown root)",
            TrustedFile.Problem(folder.File("shared/link")));
    }

    [Fact]
    public void Dot_dot_after_a_link_leaves_the_target_of_the_link_as_in_the_kernel()
    {
        folder.MakeFolder("a");
        folder.MakeFolder("a/deep");
        string reached = folder.Write("a/file", "");
        folder.Write("file", "");
        Link("link", "a/deep");
        Libc.chmod(reached, Everyone);
        Assert.StartsWith($"{reached} can be written", TrustedFile.Problem(folder.Path + "/link/../file"), StringComparison.Ordinal);
    }

    /// <summary>Other users could create a file that is sometimes missing, such as the socket while no daemon runs.</summary>
    [Fact]
    public void In_a_closed_folder_only_root_creates_files_but_its_parents_may_be_sticky()
    {
        string shared = folder.MakeFolder("shared"), own = folder.MakeFolder("shared/own");
        Link("way", "shared/own");
        Libc.chmod(shared, Everyone | Sticky);
        Assert.Null(TrustedFile.ClosedFolderProblem(own));
        Assert.Null(TrustedFile.ClosedFolderProblem(folder.File("way")));
        Assert.Null(TrustedFile.FolderProblem(shared));
        const string Open = "can be written by users other than root; use a folder that only root can write";
        Assert.Equal($"{shared} {Open}", TrustedFile.ClosedFolderProblem(shared));
        Assert.Equal("there is no such file", TrustedFile.ClosedFolderProblem(folder.File("none")));
        GiveAway(own);
        Assert.Contains("belongs to uid 60001", TrustedFile.ClosedFolderProblem(own), StringComparison.Ordinal);
    }

    private void Link(string name, string target) => File.CreateSymbolicLink(folder.File(name), target);

    private static void GiveAway(string path) => Child.Run("/usr/bin/env", [.. Stranger, path]);
}
