using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.EndToEnd;

/// <summary>Runs packaging/demo.sh with the executables under test.</summary>
public sealed class DemoTests
{
    private static readonly string Script = Path.Combine(Page.Root, "packaging/demo.sh");

    [Fact(Timeout = Bound.Test)]
    public async Task The_demonstration_runs_jobs_as_the_named_user_and_leaves_nothing_behind()
    {
        string[] before = Folders();
        string shown = await DemonstrateAsync(TestUsers.Alice);
        Assert.Contains($"({TestUsers.Alice})", shown);
        Assert.Contains("eggman", shown);
        Assert.Contains("through a pipe, as another user", shown);
        Assert.Contains("exit status 126", shown);
        Assert.Equal(before, Folders());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_a_user_the_demonstration_creates_and_removes_one()
    {
        const string Made = "pipeforkas-demo";
        bool exists = (await Tool.RunAsync(["id", Made])).ExitCode == 0;
        Assert.SkipWhen(exists, $"this machine has a user {Made}, so the demonstration must be given another one");
        Assert.Contains($"({Made})", await DemonstrateAsync());
        Assert.NotEqual(0, (await Tool.RunAsync(["id", Made])).ExitCode);
    }

    private static Task<string> DemonstrateAsync(params string[] arguments) =>
        Tool.MustAsync(["env", "-u", "SUDO_USER", $"PIPEFORKAS_NATIVE={NativeBuild.Folder}", "bash", Script, .. arguments]);

    private static string[] Folders() => [.. Directory.GetDirectories("/tmp", "pipeforkas-demo.*").Order(StringComparer.Ordinal)];
}
