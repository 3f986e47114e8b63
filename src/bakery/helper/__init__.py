"""Bakery's helper on a node: the one program there that has root's power, with fixed verbs and checked words.

On a node it is root's file, and the user that Bakery logs in as calls it through sudo: it trusts no word of its caller.
On the control plane's own machine Bakery runs it, and may say where the node's folder lies. These modules are packed
into that one file (`bakery.nodes.helper_file`), so they import the standard library and each other, and nothing else;
any Python from 3.9 on does.
"""
