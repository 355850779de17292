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
    public void A_file_of_roots_in_folders_of_roots_is_trusted()
    {
        Assert.Null(TrustedFile.Problem("/etc/passwd"));
        Assert.Null(TrustedFile.Problem(folder.Write("file", "")));
        Assert.Null(TrustedFile.Problem("/etc//./../etc/passwd"));
    }

    [Theory]
    [InlineData(0x1A4u, false)] // 0644
    [InlineData(0x1ADu, true)] // 0655: the group's and others' suffice.
    [InlineData(0x1E4u, true)] // 0744
    public void A_program_must_be_executable_by_someone(uint mode, bool executable)
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
    public void What_is_no_file_is_told_as_such(string path, string problem) =>
        Assert.Equal(problem, TrustedFile.Problem(path));

    [Fact]
    public void A_name_that_no_file_can_have_is_a_problem_and_no_crash() =>
        Assert.NotNull(TrustedFile.Problem("/" + new string('x', 300)));

    [Theory]
    [InlineData(0x1A4u, true)] // 0644
    [InlineData(0x1EDu, true)] // 0755
    [InlineData(0x100u, true)] // 0400
    [InlineData(0x1B4u, false)] // 0664
    [InlineData(0x186u, false)] // 0606
    [InlineData(Everyone, false)]
    [InlineData(Everyone | Sticky, false)]
    public void A_file_that_others_may_write_is_not_trusted(uint mode, bool trusted)
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
    public void A_folder_above_that_others_may_write_or_own_is_not_trusted_and_a_sticky_one_is()
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
    public void Links_of_roots_are_followed_and_where_they_lead_counts()
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
    public void Links_that_lead_in_a_circle_are_a_problem()
    {
        Link("one", "two");
        Link("two", "one");
        Link("self", "self/self");
        Assert.Equal("it has too many symbolic links", TrustedFile.Problem(folder.File("one")));
        Assert.Equal("it has too many symbolic links", TrustedFile.Problem(folder.File("self")));
    }

    /// <summary>Who may replace a link chooses the file: now one of root's, that passes the check, and then another.</summary>
    [Fact]
    public void A_link_that_another_user_may_replace_is_not_trusted_wherever_it_leads()
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
    public void Dots_behind_a_link_lead_out_of_where_it_led_to_as_they_do_for_the_kernel()
    {
        folder.MakeFolder("a");
        folder.MakeFolder("a/deep");
        string reached = folder.Write("a/file", "");
        folder.Write("file", "");
        Link("link", "a/deep");
        Libc.chmod(reached, Everyone);
        Assert.StartsWith($"{reached} can be written", TrustedFile.Problem(folder.Path + "/link/../file"), StringComparison.Ordinal);
    }

    /// <summary>Whatever is missing there now and then, as a socket while no daemon runs, others could make.</summary>
    [Fact]
    public void A_closed_folder_is_one_in_which_nobody_else_makes_a_file_though_one_above_may_be_sticky()
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
