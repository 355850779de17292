using System.Formats.Tar;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Faults;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests the stock jobs that change and archive trees: as an ordinary user, and for a front end that may do only some of it.
/// </summary>
public sealed class FileTreeTests : IDisposable
{
    private const int Renameat2 = 316, Mkdirat = 258, Unlinkat = 263, Linkat = 265;
    private const int EPERM = 1, EIO = 5, EINVAL = 22, EDQUOT = 122;

    private readonly string folder = Path.Combine(TestUsers.Entry(TestUsers.Alice).Home, $"tree-{Guid.NewGuid():N}");

    private string Www => $"{folder}/www";

    [Fact(Timeout = Bound.Test)]
    public async Task A_front_end_that_may_rename_in_a_folder_moves_nothing_out_of_it_or_into_it()
    {
        await AsAliceAsync($"mkdir -p {Www} && cd {folder} && echo page >www/page && echo secret >secret");
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration => configuration["Policy"] = Rules(
            $$"""{"path":{"Under":"{{Www}}"},"to":{"Under":"{{Www}}"} }"""));
        string outside = Base64($"{folder}/page"), inside = Base64($"{Www}/new"), secret = Base64($"{folder}/secret");
        foreach (string denied in new[]
        {
            $$"""{"path":"{{Www}}/page","to":"{{folder}}/page"}""",
            $$"""{"path":"{{Www}}/page","to":"{{Www}}/../page"}""",
            $$"""{"path":"{{Www}}/page","toBytes":"{{outside}}"}""",
            $$"""{"path":"{{Www}}/page","to":"{{Www}}/new","toBytes":"{{outside}}"}""",
            $$"""{"path":"{{Www}}/page","to":null,"toBytes":"{{outside}}"}""",
            $$"""{"path":"{{Www}}/page","To":"{{folder}}/page","to":"{{Www}}/new"}""",
            $$"""{"path":"{{Www}}/page","toBytes":"{{inside}}","toBytes":"{{outside}}"}""",
            $$"""{"path":"{{Www}}/page","toBytes":"{{Base64($"{Www}/../page")}}"}""",
            $$"""{"path":"{{Www}}/page","toBytes":"{{outside.TrimEnd('=')}}\n"}""",
            $$"""{"path":"{{folder}}/secret","to":"{{Www}}/new"}""",
            $$"""{"pathBytes":"{{secret}}","toBytes":"{{inside}}"}""",
            $$"""{"path":"{{Www}}/page"}""",
        })
        {
            ToolResult result = await AsBobAsync(daemon, denied);
            Assert.True(result.ExitCode is 125 or 126, $"{denied}: {result.ExitCode} {result.Error}");
            Assert.Equal(["page"], Directory.GetFileSystemEntries(Www).Select(Path.GetFileName));
            Assert.Equal(["secret", "www"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order());
        }

        Assert.Equal(0, (await AsBobAsync(daemon, $$"""{"path":"{{Www}}/page","toBytes":"{{inside}}"}""")).ExitCode);
        Assert.Equal("page\n", await File.ReadAllTextAsync($"{Www}/new"));
        Assert.DoesNotContain("policy warning", daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_log_warns_of_a_rule_that_does_not_test_the_new_path()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            configuration => configuration["Policy"] = Rules("""{"path":{"Under":"~"} }"""));
        Assert.Matches("policy warning: .*\"files.*\"to.* of rename, which is a path too", daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Only_what_the_user_may_remove_is_removed_and_the_failure_names_the_rest()
    {
        await AsAliceAsync(
            $"mkdir -p {folder}/sticky {folder}/tree/closed/in {folder}/empty/closed && cd {folder} && touch file tree/closed/in/file "
            + "&& chmod 311 tree/closed && chmod 0 empty/closed");
        await Tool.MustAsync("sh", "-c", $"chown root {folder}/sticky; chmod 1777 {folder}/sticky; touch {folder}/sticky/foreign");
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();

        await FailsAsync(daemon, "remove", $$"""{"path":"{{folder}}/sticky/foreign"}""", "permission-denied", EPERM);
        await FailsAsync(daemon, "rename", $$"""{"path":"{{folder}}/sticky/foreign","to":"{{folder}}/mine"}""", "permission-denied", EPERM);
        await FailsAsync(
            daemon, "rename", $$"""{"path":"{{folder}}/file","to":"{{folder}}/sticky/foreign","replace":true}""", "permission-denied",
            EPERM);
        await FailsAsync(daemon, "remove", """{"path":"/etc/passwd"}""", "permission-denied", 13);
        await FailsAsync(daemon, "make-directory", """{"path":"/etc/new/sub","parents":true}""", "permission-denied", 13);
        string message = await FailsAsync(
            daemon, "remove", $$"""{"path":"{{folder}}/tree","recursive":true}""", "permission-denied", 13);
        Assert.Contains($"{folder}/tree/closed cannot be opened (0 entries were removed before)", message);
        Assert.True(Directory.Exists($"{folder}/tree/closed/in"));

        // An empty directory needs no reading.
        FramedReply empty = await RawClient.RunAsync(daemon, "remove", $$"""{"path":"{{folder}}/empty","recursive":true}""");
        Assert.Equal($$"""{"path":"{{folder}}/empty","removed":2}""" + "\n", empty.Text);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_user_cannot_remove_the_home_by_any_path()
    {
        string home = TestUsers.Entry(TestUsers.Alice).Home, name = Path.GetFileName(home);
        await AsAliceAsync($"mkdir {folder}");
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        string[] paths = [home, $"../{name}", $"{folder}/../../{name}", $"/proc/self/cwd/../{name}", $"/proc/self/root{home}/"];
        foreach (string path in paths)
            await FailsAsync(daemon, "remove", $$"""{"path":"{{path}}","recursive":true}""", "kept", null);
        FramedReply dot = await RawClient.RunAsync(daemon, "remove", """{"path":".","recursive":true}""");
        Assert.Equal(ReplyCode.BadArguments, dot.End.Code);
        Assert.True(Directory.Exists(folder));
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_archive_without_all_files_is_not_reported_as_complete()
    {
        await AsAliceAsync($"mkdir -p {folder}/closed && cd {folder} && echo one >one && echo two >two && chmod 0 one closed");
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        FramedReply reply = await RawClient.RunAsync(daemon, "archive-directory", $$"""{"path":"{{folder}}"}""");
        Assert.Equal((ReplyCode.Error, "incomplete"), (reply.End.Code, reply.End.Error!.Type));
        string errors = Encoding.UTF8.GetString(reply.Stderr);
        Assert.Contains("tar: ./one: Cannot open: Permission denied\n", errors);
        Assert.Contains("tar: ./closed: Cannot open: Permission denied\n", errors);
        Assert.Contains("./two", Names(reply.Stdout));
        Assert.DoesNotContain("./one", Names(reply.Stdout));
        await FailsAsync(daemon, "archive-directory", $$"""{"path":"{{folder}}/closed"}""", "permission-denied", 13);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_archive_in_a_sandbox_needs_the_program_and_reaches_nothing_else()
    {
        await AsAliceAsync($"mkdir -p {Www} && cd {folder} && echo page >www/page && echo secret >secret && ln -s ../secret www/link");
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration => configuration["Jobs"] = JsonNode.Parse(
            $$"""{"archive-directory":{"Sandbox":{"ReadOnly":["{{Www}}","/usr","/lib64","/lib"],"Seccomp":"default"} } }"""));
        FramedReply reply = await RawClient.RunAsync(daemon, "archive-directory", $$"""{"path":"{{Www}}"}""");
        Assert.Equal((ReplyCode.Ok, ""), (reply.End.Code, Encoding.UTF8.GetString(reply.Stderr)));
        Assert.Equal(["./", "./link", "./page"], Names(reply.Stdout).Order(StringComparer.Ordinal));
        await FailsAsync(daemon, "archive-directory", $$"""{"path":"{{folder}}"}""", "permission-denied", 13);
        Assert.Equal(0, await daemon.StopAsync());

        await using DaemonProcess closed = await DaemonProcess.StartAsync(configuration => configuration["Jobs"] = JsonNode.Parse(
            $$"""{"archive-directory":{"Sandbox":{"ReadOnly":["{{Www}}"]} } }"""));
        Assert.Contains(
            "must allow to read /usr",
            await FailsAsync(closed, "archive-directory", $$"""{"path":"{{Www}}"}""", "no-program", 13));
        Assert.Equal(0, await closed.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_archive_larger_than_the_memory_of_the_job_is_written()
    {
        await AsAliceAsync($"mkdir {folder} && truncate -s 300M {folder}/large");
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
            configuration["Jobs"] = JsonNode.Parse("""{"archive-directory":{"Limits":{"MemoryMax":67108864} } }"""));
        string command = $"{NativeBuild.Command} --socket {daemon.Socket} run --user {TestUsers.Alice} archive-directory path={folder}";
        string size = await Tool.MustAsync("bash", "-c", $"set -o pipefail; {command} | wc -c");
        Assert.InRange(long.Parse(size), 300L << 20, (300L << 20) + 20_480);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_that_disconnects_from_an_archive_leaves_no_process()
    {
        await AsAliceAsync($"mkdir {folder} && truncate -s 1G {folder}/large");
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        byte[] request = Encoding.UTF8.GetBytes(
            $$$"""{"job":"archive-directory","user":"{{{TestUsers.Alice}}}","args":{"path":"{{{folder}}}"}}""" + "\n");
        for (int round = 0; round < 5; round++)
        {
            using (Socket client = await RawClient.ConnectAsync(daemon))
            {
                await client.SendAsync(request);
                await client.ReceiveAsync(new byte[1]);
            }

            await Crowd.UntilAsync(
                () => ProcFs.HasAny(TestUsers.Entry(TestUsers.Alice).Uid), any => !any, TimeSpan.FromSeconds(30), "processes of alice's");
        }

        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_range_of_a_file_is_read_with_numbers_from_the_command_line()
    {
        await AsAliceAsync($"mkdir {folder} && printf 0123456789 >{folder}/file");
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.Equal("345", await Tool.MustAsync(
            NativeBuild.Command, "--socket", daemon.Socket, "run", "--user", TestUsers.Alice, "read-file", $"path={folder}/file",
            "offset=3", "length=3"));
        FramedReply beyond = await RawClient.RunAsync(daemon, "read-file", $$"""{"path":"{{folder}}/file","offset":9223372036854775807}""");
        Assert.Equal((ReplyCode.Ok, ""), (beyond.End.Code, beyond.Text));
        FramedReply negative = await RawClient.RunAsync(daemon, "read-file", $$"""{"path":"{{folder}}/file","offset":-1}""");
        Assert.Equal(ReplyCode.BadArguments, negative.End.Code);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task In_a_file_system_that_cannot_refuse_to_replace_nothing_is_replaced_either()
    {
        await AsAliceAsync(
            $"mkdir -p {folder}/directory/sub {folder}/empty && cd {folder} && echo 1 >file && echo 2 >taken && ln -s nowhere link");
        await using DaemonProcess daemon = await StartFaultyAsync(new Fault(Renameat2, EINVAL));
        foreach ((string from, string to) in new[] { ("file", "taken"), ("file", "empty"), ("directory", "empty"), ("link", "taken") })
            await FailsAsync(daemon, "rename", Paths(from, to), "exists", 17);
        Assert.Equal("2\n", await File.ReadAllTextAsync($"{folder}/taken"));
        foreach ((string from, string to) in new[] { ("file", "file2"), ("directory", "directory2"), ("link", "link2") })
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "rename", Paths(from, to))).End.Code);
        FramedReply inside = await RawClient.RunAsync(daemon, "rename", Paths("directory2", "directory2/sub/x"));
        Assert.Equal(ReplyCode.BadArguments, inside.End.Code);
        Assert.Contains("inside of it", inside.End.Message);
        Assert.Equal(
            ["directory2", "empty", "file2", "link2", "taken"],
            Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(["sub"], Directory.GetFileSystemEntries($"{folder}/directory2").Select(Path.GetFileName));
        Assert.Empty(Directory.GetFileSystemEntries($"{folder}/directory2/sub"));
        Assert.Equal("1\n", await File.ReadAllTextAsync($"{folder}/file2"));
        Assert.Equal(0, await daemon.StopAsync());

        // Without hard links either, there is no safe way.
        await using DaemonProcess without = await StartFaultyAsync(new Fault(Renameat2, EINVAL), new Fault(Linkat, EPERM));
        Assert.Contains("replace=true", await FailsAsync(without, "rename", Paths("file2", "file3"), "io", EINVAL));
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(without, "rename", Paths("link2", "link3", replace: true))).End.Code);
        Assert.Equal(0, await without.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_quota_and_a_broken_disk_are_reported_with_kind_and_errno()
    {
        await AsAliceAsync($"mkdir -p {folder}/tree/sub && touch {folder}/tree/file");
        await using DaemonProcess daemon = await StartFaultyAsync(new Fault(Mkdirat, EDQUOT), new Fault(Unlinkat, EIO));
        await FailsAsync(daemon, "make-directory", $$"""{"path":"{{folder}}/new"}""", "quota", EDQUOT);
        await FailsAsync(daemon, "make-directory", $$"""{"path":"{{folder}}/new/sub","parents":true}""", "quota", EDQUOT);
        await FailsAsync(daemon, "remove", $$"""{"path":"{{folder}}/tree/file"}""", "io", EIO);
        await FailsAsync(daemon, "remove", $$"""{"path":"{{folder}}/tree/","recursive":true}""", "io", EIO);
        Assert.Equal(0, await daemon.StopAsync());
    }

    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    private static string Base64(string path) => Convert.ToBase64String(Encoding.UTF8.GetBytes(path));

    /// <summary>Bob may rename for alice.</summary>
    private static JsonNode Rules(string where) => JsonNode.Parse(
        $$"""
        {"Rules":[{"Name":"files","Callers":["{{TestUsers.Bob}}"],"Jobs":["rename"],"As":["{{TestUsers.Alice}}"],"Where":{{where}} }]}
        """)!;

    private static Task<ToolResult> AsBobAsync(DaemonProcess daemon, string arguments) => Tool.RunAsAsync(
        TestUsers.Bob,
        [NativeBuild.Command, "--socket", daemon.Socket, "run", "--user", TestUsers.Alice, "rename", "--args", arguments]);

    private static async Task<string> FailsAsync(DaemonProcess daemon, string job, string arguments, string kind, int? errno)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, arguments);
        Assert.True(reply.End.Code == ReplyCode.Error, $"{job} {arguments}: {reply.End.Code} {reply.End.Message}");
        Assert.Equal((kind, errno), (reply.End.Error!.Type, reply.End.Error.Errno));
        return reply.End.Error.Message;
    }

    private static Task<DaemonProcess> StartFaultyAsync(params Fault[] faults) =>
        FaultyKernel.StartDaemonAsync(faults, host: NativeBuild.StockJobs);

    private static string[] Names(byte[] archive)
    {
        using var reader = new TarReader(new MemoryStream(archive));
        List<string> names = [];
        while (reader.GetNextEntry() is { } entry)
            names.Add(entry.Name);
        return [.. names];
    }

    private static async Task AsAliceAsync(string script)
    {
        ToolResult result = await Tool.RunAsAsync(TestUsers.Alice, ["/bin/bash", "-c", script]);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    private string Paths(string from, string to, bool replace = false) =>
        $$"""{"path":"{{folder}}/{{from}}","to":"{{folder}}/{{to}}","replace":{{(replace ? "true" : "false")}} }""";
}
