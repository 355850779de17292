using System.Text;
using PipeForkAs.Client;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// The clients of other languages sign a user in, run a job with the ticket, end it, and get their errors for a wrong password and for a
/// ticket that is over.
/// </summary>
[Trait("Takes", "long")]
public sealed class ClientSignInTests(SignInDaemon signIn) : IClassFixture<SignInDaemon>
{
    private const string Expected = "43 uid\nwrong denied\nover denied\nbad\n";

    private const string Python = """
        import asyncio, sys
        sys.dont_write_bytecode = True
        sys.path.insert(0, sys.argv[1])
        import pipeforkas
        socket, user, password = sys.argv[2], sys.argv[3], sys.stdin.read()
        ticket = pipeforkas.sign_in(user, password, socket=socket)["ticket"]
        print(len(ticket), pipeforkas.run("id", user=user, ticket=ticket, text=True, socket=socket, check=True).stdout[:3])
        try:
            pipeforkas.sign_in(user, b"wrong", socket=socket)
        except pipeforkas.JobError as failure:
            print("wrong", failure.code)
        async def play():
            again = (await pipeforkas.sign_in_async(user, password, socket=socket))["ticket"]
            await pipeforkas.run_async("id", user=user, ticket=again, socket=socket, check=True)
            assert (await pipeforkas.check_async("id", user=user, ticket=again, socket=socket))["allowed"]
            await pipeforkas.sign_out_async(again, socket=socket)
            assert not pipeforkas.check("id", user=user, ticket=again, socket=socket)["allowed"]
        asyncio.run(play())
        pipeforkas.sign_out(ticket, socket=socket)
        print("over", pipeforkas.run("id", user=user, ticket=ticket, socket=socket).code)
        try:
            pipeforkas.run("id", user=user, ticket="short", socket=socket)
        except pipeforkas.RequestError:
            print("bad")
        """;

    private const string Node = """
        const [folder, socket, user] = process.argv.slice(1);
        const { check, run, signIn, signOut, RequestError } = require(folder);
        (async () => {
            const password = require('node:fs').readFileSync(0);
            const { ticket } = await signIn(user, password, { socket });
            const result = await run('id', { user, ticket, socket });
            console.log(ticket.length, result.stdout.slice(0, 3));
            await signIn(user, 'wrong', { socket }).catch(failure => console.log('wrong', failure.code));
            if (!(await check('id', { user, ticket, socket })).allowed)
                throw new Error('check');
            await signOut(ticket, { socket });
            await run('id', { user, ticket, socket }).catch(failure => console.log('over', failure.code));
            const refused = failure => console.log(failure instanceof RequestError ? 'bad' : failure);
            await run('id', { user, ticket: 'short', socket }).catch(refused);
        })();
        """;

    private const string Php = """
        <?php
        [, $folder, $socket, $user] = $argv;
        require "$folder/PipeForkAs.php";
        $client = new \PipeForkAs\Client($socket);
        $ticket = $client->signIn($user, getenv('PASSWORD'))['ticket'];
        echo strlen($ticket), ' ', substr($client->run('id', user: $user, ticket: $ticket)->stdout, 0, 3), "\n";
        try {
            $client->signIn($user, 'wrong');
        } catch (\PipeForkAs\RequestRefusedException $failure) {
            echo 'wrong ', $failure->result->code, "\n";
        }
        if (!$client->check('id', user: $user, ticket: $ticket)['allowed']) {
            exit(3);
        }
        $client->signOut($ticket);
        echo 'over ', $client->run('id', user: $user, ticket: $ticket, check: false)->code, "\n";
        try {
            $client->run('id', user: $user, ticket: 'short');
        } catch (\PipeForkAs\RequestException) {
            echo "bad\n";
        }
        """;

    [Fact(Timeout = Bound.Test)]
    public Task Python_signs_a_user_in_and_out() => PlayAsync("python3", "-c", Python, Folder("python"));

    [Fact(Timeout = Bound.Test)]
    public Task Node_signs_a_user_in_and_out() => PlayAsync("node", "-e", Node, Folder("node"));

    [Fact(Timeout = Bound.Test)]
    public async Task PHP_signs_a_user_in_and_out()
    {
        string script = Path.Combine(signIn.Daemon.Folder, "sign-in.php");
        await File.WriteAllTextAsync(script, Php);
        await PlayAsync("env", $"PASSWORD={SignInDaemon.BobPassword}", "php", script, Folder("php"));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task NET_signs_a_user_in_and_out()
    {
        var client = new PipeForkAsClient(signIn.Daemon.Socket);
        SignInTicket ticket = await client.SignInAsync(TestUsers.Bob, Encoding.UTF8.GetBytes(SignInDaemon.BobPassword));
        Assert.DoesNotContain(ticket.Ticket, ticket.ToString());
        var request = new JobRequest("id") { User = TestUsers.Bob, Ticket = ticket.Ticket };
        Assert.DoesNotContain(ticket.Ticket, request.ToString());
        Assert.True((await client.CaptureAsync(request)).Result.IsSuccess);
        Assert.True((await client.CheckAsync(request)).Allowed);
        var wrong = await Assert.ThrowsAsync<RequestRefusedException>(() => client.SignInAsync(TestUsers.Bob, "wrong"u8.ToArray()));
        Assert.Equal(ReplyCode.Denied, wrong.Result.Code);
        await client.SignOutAsync(ticket.Ticket);
        Assert.Equal(ReplyCode.Denied, (await client.CaptureAsync(request)).Result.Code);
        await client.SignOutAsync(ticket.Ticket);
        await Assert.ThrowsAsync<RequestException>(() => client.CaptureAsync(request with { Ticket = "short" }));
    }

    private static string Folder(string language)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "PipeForkAs.sln")))
            folder = folder.Parent;
        return Path.Combine(folder!.FullName, "src", "clients", language);
    }

    private async Task PlayAsync(params string[] command)
    {
        ToolResult played = await Tool.RunAsync(
            [.. command, signIn.Daemon.Socket, TestUsers.Bob], Encoding.UTF8.GetBytes(SignInDaemon.BobPassword));
        Assert.Equal((0, Expected, ""), (played.ExitCode, played.Text, played.Error));
    }
}
