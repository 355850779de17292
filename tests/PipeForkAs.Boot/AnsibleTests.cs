using System.Globalization;
using System.Text.Json.Nodes;
using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Tests;

namespace PipeForkAs.Boot;

/// <summary>The collection for Ansible with two hosts, over SSH.</summary>
public sealed class AnsibleTests(BootedSystem system)
{
    private const string Removed = "/etc/pipeforkas/conf.d/ansible-policy.json";

    [Fact(Timeout = Bound.Test)]
    public async Task A_playbook_installs_configures_and_runs_jobs_on_many_hosts_and_changes_nothing_again()
    {
        // The shared container shows whether this machine supports containers.
        Assert.NotNull(system.Inside);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeforkas-ansible-");
        try
        {
            await using Container one = await BootAsync(), two = await BootAsync();
            var controller = await Controller.CreateAsync(folder.FullName, one, two);

            ToolResult first = await controller.PlayAsync("policy");
            Assert.True(first.ExitCode == 0, first.Text + first.Error);
            ToolResult second = await controller.PlayAsync("policy");
            Assert.True(second.ExitCode == 0, second.Text + second.Error);
            Assert.Equal(2, second.Text.Split("changed=0 ").Length - 1);
            Assert.Contains("alice", await one.MustAsync("stat", "-c", "%U", "/home/alice/made"), StringComparison.Ordinal);

            // The system log has no arguments.
            string log = await one.MustAsync("journalctl", "--no-pager", "-o", "cat");
            Assert.DoesNotContain("Invoked with job=", log, StringComparison.Ordinal);
            Assert.Contains("run make-directory as alice: ok", log, StringComparison.Ordinal);

            // Check mode runs nothing.
            await one.MustAsync("rmdir", "/home/alice/made");
            ToolResult check = await controller.PlayAsync("policy", "--check");
            Assert.True(check.ExitCode == 0, check.Text + check.Error);
            Assert.Equal(1, (await one.RunAsync("stat", "/home/alice/made")).ExitCode);

            // A rejected configuration replaces nothing.
            string before = await one.MustAsync("cat", Removed);
            ToolResult wrong = await controller.PlayAsync("policy", "--limit", "one", "-e", """{"fragments":{"policy":{"Polizy":{}}}}""");
            Assert.Contains("the daemon rejects the configuration, nothing was replaced", wrong.Text, StringComparison.Ordinal);
            Assert.Equal(before, await one.MustAsync("cat", Removed));

            // A fragment under another name removes the former one; a host that is down does not stop the other one.
            await two.MustAsync("systemctl", "stop", "ssh");
            ToolResult down = await controller.PlayAsync("renamed");
            Assert.Equal(4, down.ExitCode);
            Assert.Matches("two +: .*unreachable=1", down.Text);
            Assert.Matches("one +: .*unreachable=0 +failed=0", down.Text);
            Assert.Equal(1, (await one.RunAsync("stat", Removed)).ExitCode);
            await one.MustAsync("stat", "/home/alice/made");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<Container> BootAsync()
    {
        (Container? booted, string reason) = await Container.BootAsync();
        Container inside = booted ?? throw new InvalidOperationException(reason);
        await BootedSystem.PrepareAsync(inside);
        return inside;
    }

    /// <summary>Ansible on this machine, with all of its files in one folder.</summary>
    private sealed class Controller(string folder)
    {
        public static async Task<Controller> CreateAsync(string folder, Container one, Container two)
        {
            var controller = new Controller(folder);
            await Tool.MustAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{folder}/key");
            await PrepareAsync(one, $"{folder}/key.pub");
            await PrepareAsync(two, $"{folder}/key.pub");
            string tarball = (await Tool.MustAsync($"{Page.Root}/packaging/pack-ansible.sh", $"{folder}/packed")).TrimEnd('\n');
            await Tool.MustAsync([
                .. controller.Environment(), "ansible-galaxy", "collection", "install", "--offline", tarball, "-p", folder]);
            await File.WriteAllTextAsync($"{folder}/inventory", $"{Line("one", one)}\n{Line("two", two)}\n");
            return controller;
        }

        /// <summary>Plays the book with the policy as a fragment of this name.</summary>
        public async Task<ToolResult> PlayAsync(string fragment, params string[] options)
        {
            var variables = new JsonObject
            {
                ["package"] = BootedSystem.Package,
                ["job_host"] = Path.Combine(System.Environment.GetEnvironmentVariable("PIPEFORKAS_NATIVE") ?? "", "pipeforkas-test-jobs"),
                ["fragments"] = new JsonObject { [fragment] = JsonNode.Parse("""{"Policy":{"MinimumUid":1000}}""") },
                ["ansible_ssh_private_key_file"] = $"{folder}/key",
                ["ansible_python_interpreter"] = "/usr/bin/python3",
            };
            string book = $"{Page.Root}/tests/PipeForkAs.Boot/Ansible/site.yml";
            return await Tool.RunAsync(
                [.. Environment(), "ansible-playbook", "-i", $"{folder}/inventory", "-e", variables.ToJsonString(), book, .. options],
                limit: TimeSpan.FromMinutes(5));
        }

        private static async Task PrepareAsync(Container host, string key)
        {
            foreach (string file in new[] { "/root/.ssh/authorized_keys", "/home/alice/.ssh/authorized_keys" })
                host.Write(file, await File.ReadAllTextAsync(key));
            await host.MustAsync("sh", "-c", "chmod 700 /root/.ssh && chown -R alice: /home/alice/.ssh && ssh-keygen -A");
            // Without the first one, users cannot log in: pam_nologin(8).
            await host.MustAsync("systemctl", "start", "systemd-user-sessions", "ssh");
        }

        /// <summary>The SSH daemon listens in the network of its container, which has no other connection.</summary>
        private static string Line(string name, Container host) => string.Create(
            CultureInfo.InvariantCulture,
            $"{name} ansible_ssh_common_args='-o ProxyCommand=\"nsenter -t {host.Leader} -n socat - TCP4:127.0.0.1:22\"'");

        private string[] Environment() =>
        [
            "env", "-i", "-C", folder, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", $"HOME={folder}", $"TMPDIR={folder}",
                $"ANSIBLE_COLLECTIONS_PATH={folder}", "ANSIBLE_PIPELINING=1", "ANSIBLE_NOCOLOR=1",
                "ANSIBLE_SSH_ARGS=-o ControlMaster=no -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
        ];
    }
}
