using System.Text;
using PipeForkAs.Jobs.Worker;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Tests;

/// <summary>Tests the consent file of a user: its content, and when it is valid.</summary>
public sealed class ConsentFileTests : IDisposable
{
    private static readonly string[] Panel = ["33", "www-data", "@33", "@www-data", "@50", "@staff"];
    private readonly TemporaryFolder home = new();

    private string ConfigFolder => home[".config"];

    private string OwnFolder => Path.Combine(ConfigFolder, "pipeforkas");

    private string AllowFile => Path.Combine(OwnFolder, "allow");

    public void Dispose() => home.Dispose();

    /// <summary>A comparison of each name with each line would need the two seconds of processor time of the worker.</summary>
    [Fact(Timeout = 10_000)]
    public async Task A_file_with_the_most_lines_is_read_for_a_caller_with_thousands_of_names()
    {
        await Task.Yield();
        string[] names = [.. Enumerable.Range(0, 2050).Select(number => $"@group-{number}")];
        byte[] content = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("a\n", (ConsentFile.MaxBytes / 2) - 10)) + "@group-2049\n");
        Assert.True(ConsentFile.Decide(content, "read-file", names).Given);
        Assert.False(ConsentFile.Decide(content, "read-file", names[..^1]).Given);
    }

    [Fact]
    public void Invalid_UTF8_does_not_match_the_name_with_replacement_characters()
    {
        Assert.False(ConsentFile.Decide([0xFF], "read-file", ["\uFFFD"]).Given);
        Assert.False(ConsentFile.Decide([0xE9], "read-file", ["é"]).Given);
        Assert.True(ConsentFile.Decide("é"u8, "read-file", ["é"]).Given);
    }

    [Theory]
    [InlineData("www-data", true)]
    [InlineData("33", true)]
    [InlineData("@staff", true)]
    [InlineData("@50", true)]
    [InlineData("*", true)]
    [InlineData("* *", true)]
    [InlineData("www-data read-file", true)]
    [InlineData("www-data read-*", true)]
    [InlineData("\t www-data \t read-file \t # for the panel", true)]
    [InlineData("# the panel\n\nroot\nwww-data#", true)]
    [InlineData("www-data", true, "\n")]
    [InlineData("", false)]
    [InlineData("#www-data", false)]
    [InlineData("www-data write-file", false)]
    [InlineData("www-data read", false)]
    [InlineData("www-data read-file-*", false)]
    [InlineData("www-dat", false)]
    [InlineData("www-data2", false)]
    [InlineData("WWW-DATA", false)]
    [InlineData("www*", false)]
    [InlineData("@www-data-too", false)]
    [InlineData("staff", false)]
    [InlineData("50", false)]
    [InlineData("033", false)]
    [InlineData("@*", false)]
    [InlineData("self", false)]
    public void A_line_names_a_caller_and_optionally_jobs(string content, bool given, string behind = "") =>
        Assert.Equal(given, Decide(content + behind).Given);

    [Theory]
    [InlineData("*\nwww-data read-file too", 2)]
    [InlineData("*\nwww-data ../x", 2)]
    [InlineData("*\nwww-data a*b", 2)]
    [InlineData("*\r\n", 1)]
    [InlineData("*\0", 1)]
    [InlineData("*\n\u001b", 2)]
    [InlineData("* \u007f", 1)]
    [InlineData("*\n\vx", 2)]
    public void One_invalid_line_invalidates_the_whole_file(string content, int line)
    {
        ConsentAnswer answer = Decide(content);
        Assert.False(answer.Given);
        Assert.StartsWith($"line {line} of the file ", answer.Reason);
    }

    [Fact]
    public void Bytes_that_are_not_text_name_no_caller() =>
        Assert.False(ConsentFile.Decide([0xFF, 0xFE, (byte)'\n', 0xC3], "read-file", ["\uFFFD\uFFFD", "\uFFFD"]).Given);

    /// <summary>Any content gives an answer, and never consent for a caller without a line.</summary>
    [Fact]
    public void Any_bytes_give_an_answer_and_no_consent_to_unnamed_callers()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        string[] words = ["www-data", "33", "@staff", "read-file", "read-*", "*", "#", " ", "\t", "\n", "\n", "\r", "\0", "é", "@", "x"];
        int given = 0;
        for (int i = 0; i < 50_000; i++)
        {
            byte[] content = Encoding.UTF8.GetBytes(
                string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => words[random.Next(words.Length)])));
            if (content.Length > 0 && random.Next(4) == 0)
                content[random.Next(content.Length)] = (byte)random.Next(256);
            ConsentAnswer answer = ConsentFile.Decide(content, "read-file", Panel);
            given += answer.Given ? 1 : 0;
            bool mayNameThem = content.AsSpan().IndexOfAny("*"u8) >= 0
                || Panel.Any(name => content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(name)) >= 0);
            Assert.True(mayNameThem || !answer.Given, $"seed {seed}: {Convert.ToHexString(content)}");
            Assert.False(ConsentFile.Decide([.. content, (byte)'\n', 1], "read-file", Panel).Given);
        }

        Assert.InRange(given, 1_000, 40_000);
    }

    [Fact]
    public void The_file_of_the_user_gives_consent()
    {
        Write("www-data\n");
        Assert.Equal(new ConsentAnswer(true, "line 1 of the user's file"), Ask());
    }

    [Fact]
    public void A_missing_file_or_folder_gives_no_consent()
    {
        Assert.Contains("ENOENT", Refused());
        Directory.CreateDirectory(OwnFolder, Private);
        Assert.Contains("ENOENT", Refused());
        Assert.Equal("the user has no home", ConsentFile.Ask(Account("") with { }, "read-file", Panel).Reason);
        Assert.Equal("the user has no home", ConsentFile.Ask(Account("relative"), "read-file", Panel).Reason);
        Assert.False(ConsentFile.Ask(Account("/no/such/home"), "read-file", Panel).Given);
    }

    [Theory]
    [InlineData(0x1B0)] // 0660
    [InlineData(0x186)] // 0606
    [InlineData(0x190)] // 0620
    public void A_file_that_other_users_can_write_gives_no_consent(int mode)
    {
        Write("*");
        Libc.chmod(AllowFile, (uint)mode);
        Assert.Contains("allow can be written by other users", Refused());
    }

    [Theory]
    [InlineData("")]
    [InlineData(".config")]
    [InlineData(".config/pipeforkas")]
    public void A_parent_folder_that_other_users_can_write_gives_no_consent(string folder)
    {
        Write("*");
        Libc.chmod(Path.Combine(home.Path, folder), 0x1F8); // 0770
        Assert.Contains("can be written by other users", Refused());
    }

    [Theory]
    [InlineData(".config")]
    [InlineData(".config/pipeforkas")]
    [InlineData(".config/pipeforkas/allow")]
    public void No_link_is_followed_to_any_target(string part)
    {
        Write("*");
        string path = Path.Combine(home.Path, part);
        if (File.Exists(path))
            File.Move(path, home["moved"]);
        else
            Directory.Move(path, home["moved"]);
        File.CreateSymbolicLink(path, home["moved"]);
        Assert.Matches("ELOOP|ENOTDIR", Refused());
    }

    [Fact]
    public void A_file_that_is_not_regular_gives_no_consent_and_does_not_block()
    {
        Directory.CreateDirectory(AllowFile, Private);
        Assert.Contains("not a regular file but a Directory", Refused());
        Directory.Delete(AllowFile);
        System.Diagnostics.Process.Start("mkfifo", [AllowFile]).WaitForExit();
        Libc.chmod(AllowFile, 0x180); // 0600
        Assert.Contains("not a regular file but a Fifo", Refused());
    }

    [Fact]
    public void A_file_up_to_64_KiB_is_read_and_a_longer_one_is_refused()
    {
        Write("www-data\n" + new string('#', ConsentFile.MaxBytes - 9));
        Assert.True(Ask().Given);
        File.AppendAllText(AllowFile, "#");
        Assert.Contains("more than 65536 bytes", Refused());
    }

    [Fact]
    public void A_file_of_another_user_gives_no_consent()
    {
        Write("*");
        UserId own = Libc.geteuid();
        ConsentAnswer answer = ConsentFile.Ask(Account(home.Path) with { Uid = own.Value + 1 }, "read-file", Panel);
        Assert.False(answer.Given);
        Assert.EndsWith($"belongs to uid {own}", answer.Reason);
    }

    private static UnixFileMode Private => UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static Account Account(string home) => new("somebody", Libc.geteuid().Value, 1, [1], home, "/bin/sh");

    private static ConsentAnswer Decide(string content) => ConsentFile.Decide(Encoding.UTF8.GetBytes(content), "read-file", Panel);

    private ConsentAnswer Ask() => ConsentFile.Ask(Account(home.Path), "read-file", Panel);

    private string Refused()
    {
        ConsentAnswer answer = Ask();
        Assert.False(answer.Given);
        return answer.Reason;
    }

    private void Write(string content)
    {
        Directory.CreateDirectory(OwnFolder, Private);
        Libc.chmod(ConfigFolder, 0x1C0);
        File.WriteAllText(AllowFile, content);
        Libc.chmod(AllowFile, 0x1A4); // 0644
    }
}
