using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Boot;

public sealed partial class ExampleTests
{
    private const string PageSocket = "/run/pipeforkas-files.sock";

    [Fact(Timeout = Bound.Test)]
    public async Task The_file_page_runs_hardened_behind_nginx_and_believes_only_its_proxy()
    {
        Container inside = await StartAsync("/home/alice/through-nginx");
        string native = Environment.GetEnvironmentVariable("PIPEFORKAS_NATIVE") ?? "";
        File.Copy(Path.Combine(native, "pipeforkas-files"), inside.PathOf($"{Examples}/files-page/pipeforkas-files"), overwrite: true);
        File.Copy(Path.Combine(AppContext.BaseDirectory, "FilesPage", "visit.py"), inside.PathOf("/root/visit.py"), overwrite: true);
        await inside.MustAsync("sh", "-c", "rm -f /etc/nginx/sites-enabled/*; echo alice:secret | chpasswd");
        try
        {
            string shown = await FollowAsync(inside, "files-page", upTo: 2);
            Match exposure = Exposure().Match(shown);
            Assert.True(double.Parse(exposure.Groups[1].Value, CultureInfo.InvariantCulture) <= 2.0, shown);
            Console.WriteLine($"measured: systemd-analyze security of the file page: {exposure.Groups[1].Value}");
            Assert.Equal(
                "0000000000000000",
                (await inside.MustAsync("sh", "-c", "grep CapBnd /proc/$(systemctl show -P MainPID pipeforkas-files)/status"))[^16..]);

            Assert.Equal(
                "signed in: 303\nuploaded: 204\nsame bytes: True\nrefused: 403 Permission denied: /root, as alice",
                await inside.MustAsync("python3", "/root/visit.py", "alice", "secret"));
            Assert.Equal("alice", await inside.MustAsync("stat", "-c", "%U", "/home/alice/through-nginx"));
            Assert.Equal("600 www-data", await inside.MustAsync("stat", "-c", "%a %U", PageSocket));

            await FollowAsync(inside, "files-page", from: 2);
            inside.Write("/etc/nginx/files-users", "alice:{PLAIN}other\nbob:{PLAIN}other\n");
            // A worker of nginx with the former configuration can reply at first.
            await system.UntilAsync(
                async () => (await ThroughNginxAsync(inside, "alice", "wrong")).StartsWith("HTTP/1.1 401", StringComparison.Ordinal),
                "a wrong password is not refused");
            string page = await ThroughNginxAsync(inside, "alice", "other");
            Assert.StartsWith("HTTP/1.1 200", page);
            Assert.Contains("<span>alice</span>", page, StringComparison.Ordinal);

            // Not in the group; and a header that does not come from the proxy.
            Assert.StartsWith("HTTP/1.1 403", await ThroughNginxAsync(inside, "bob", "other"));
            ToolResult forged = await AskAsync(inside, "root", ["-U", PageSocket], "X-Remote-User: alice");
            Assert.StartsWith("HTTP/1.1 403", forged.Text);
            Assert.Equal("", (await AskAsync(inside, BootedSystem.Bob, ["-U", PageSocket], "X-Remote-User: alice")).Text);
        }
        finally
        {
            await inside.RunAsync(
                "systemctl", "disable", "--now", "nginx.service", "pipeforkas-files.socket", "pipeforkas-files.service");
            await inside.RunAsync("groupdel", "files-users");
        }
    }

    private static async Task<string> ThroughNginxAsync(Container inside, string user, string password)
    {
        string proof = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
        return (await AskAsync(inside, "root", ["127.0.0.1", "8080"], $"Authorization: Basic {proof}\r\nX-Remote-User: root")).Text;
    }

    private static Task<ToolResult> AskAsync(Container inside, string account, string[] where, string header)
    {
        string folder = Convert.ToBase64String(Encoding.UTF8.GetBytes("/home/alice")).TrimEnd('=');
        byte[] request = Encoding.UTF8.GetBytes($"GET /files/{folder}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n");
        return inside.RunAsAsync(account, ["nc", .. where], request);
    }

    [GeneratedRegex(@"Overall exposure level for pipeforkas-files\.service: ([0-9.]+)")]
    private static partial Regex Exposure();
}
