#!/usr/bin/env python3
"""Trains the same nets with PyTorch and with `host-trainer bench-train`, in turns, and prints ratios.

    cargo build --release -p host-trainer
    pip install torch numpy
    tests/torch/bench_train.py target/release/host-trainer

A turn is one program's measurement of one net and batch size; the programs take turns, so that a machine that slows down slows
down both. Ratios are of the medians over the turns. Each PyTorch turn is a process of its own, as each of ours is: peak memory
is the process's largest resident set, the library's code included, for both.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def nets():
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inside, out, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inside, out, 3, stride, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(out)
            self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(out)
            self.shortcut = None
            if stride != 1 or inside != out:
                self.shortcut = nn.Sequential(nn.Conv2d(inside, out, 1, stride, 0, bias=False), nn.BatchNorm2d(out))
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            y = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x)))))
            return self.relu(y + (x if self.shortcut is None else self.shortcut(x)))

    def compact(labels):
        widths = [32, 56, 104, 192]
        layers = [nn.Conv2d(1, widths[0], 3, 2, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        inside = widths[0]
        for index, width in enumerate(widths):
            layers.append(Block(inside, width, 1 if index == 0 else 2))
            inside = width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, labels))

    def lenet(labels):
        def dense(inside, out):
            return [nn.Linear(inside, out), nn.ReLU(inplace=True), nn.BatchNorm1d(out, eps=1e-3, momentum=0.01)]

        return nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(6, eps=1e-3, momentum=0.01), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(16, eps=1e-3, momentum=0.01), nn.MaxPool2d(2),
            nn.Flatten(), *dense(16 * 62 * 62, 100), *dense(100, 10), nn.Linear(10, labels),
        )

    return {"compact": (compact, (1, 64, 64)), "lenet": (lenet, (3, 256, 256))}


def torch_turn(arch, batch_size, threads, steps):
    """One measurement with PyTorch, in this process: forward, loss with label smoothing, backward, AdamW or Adam."""
    import resource

    import torch

    torch.set_num_threads(threads)
    build, shape = nets()[arch]
    torch.manual_seed(1)
    net = build(7)
    net.train()
    # As the trainer's presets: AdamW with decay for compact, Adam for lenet. foreach is PyTorch's faster choice on a CPU.
    if arch == "compact":
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-6, weight_decay=0.05, foreach=True)
    else:
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-6, foreach=True)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    pictures = torch.rand(batch_size, *shape)
    labels = torch.randint(0, 7, (batch_size,))
    times = []
    for step in range(steps + 3):
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(net(pictures), labels)
        loss.backward()
        optimizer.step()
        loss.item()
        if step >= 3:
            times.append(time.perf_counter() - began)
    return {
        "images_per_second": batch_size / statistics.median(times),
        "peak_memory_so_far_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "parameters": sum(p.numel() for p in net.parameters()),
        "version": torch.__version__,
    }


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed ({done.returncode}):\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description="Compares training speed with PyTorch's, side by side.")
    parser.add_argument("host_trainer", nargs="?", help="the program, built with --release")
    parser.add_argument("--arch", default="compact,lenet")
    parser.add_argument("--batch-size", default="32,128")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--torch-turn", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.torch_turn:
        arch, batch_size = args.torch_turn.split(",")
        print(json.dumps(torch_turn(arch, int(batch_size), args.threads, args.steps)))
        return
    if not args.host_trainer or not os.access(args.host_trainer, os.X_OK):
        parser.error("name the program: cargo build --release -p host-trainer, then target/release/host-trainer")
    common = ["--threads", str(args.threads), "--steps", str(args.steps)]
    print("| net | batch | images/s | PyTorch's | ratio | from to | peak MiB | PyTorch's | ratio |")
    print("|---|---:|---:|---:|---:|---|---:|---:|---:|", flush=True)
    for arch in args.arch.split(","):
        for batch_size in args.batch_size.split(","):
            ours, theirs = [], []
            for _ in range(args.turns):
                bench = [args.host_trainer, "bench-train", "--json", "--arch", arch, "--batch-size", batch_size]
                ours.append(run(bench + common))
                theirs.append(run([sys.executable, __file__, "--torch-turn", f"{arch},{batch_size}"] + common))
            speed = lambda turns: [turn["images_per_second"] for turn in turns]
            memory = lambda turns: max(turn["peak_memory_so_far_mib"] for turn in turns)
            ratios = sorted(a / b for a, b in zip(speed(ours), speed(theirs)))
            a, b = statistics.median(speed(ours)), statistics.median(speed(theirs))
            print(
                f"| {arch} | {batch_size} | {a:.0f} | {b:.0f} | **{a / b:.2f}** | {ratios[0]:.2f} {ratios[-1]:.2f} "
                f"| {memory(ours):.0f} | {memory(theirs):.0f} | {memory(ours) / memory(theirs):.2f} |",
                flush=True,
            )
    print(f"\n{args.threads} threads, PyTorch {theirs[-1]['version']}, {args.turns} turns of {args.steps} steps each")


if __name__ == "__main__":
    main()
