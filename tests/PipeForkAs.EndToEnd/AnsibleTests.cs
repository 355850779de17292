using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.EndToEnd;

/// <summary>The collection for Ansible: its modules with a real daemon and a lying one, and the packed file.</summary>
[Trait("Takes", "long")]
public sealed class AnsibleTests
{
    [Fact(Timeout = Bound.Test)]
    public async Task The_modules_run_jobs_check_them_hide_secrets_and_report_failures()
    {
        string script = Path.Combine(Page.Root, "tests", "clients", "ansible", "test_modules.py");
        ToolResult tested = await Tool.RunAsync(
            ["env", $"PIPEFORKAS_NATIVE={NativeBuild.Folder}", $"PIPEFORKAS_TEST_USER={TestUsers.Alice}", "/usr/bin/python3", script],
            limit: TimeSpan.FromMilliseconds(Bound.Test - 30_000));
        Assert.True(tested.ExitCode == 0, tested.Error);
    }
}
